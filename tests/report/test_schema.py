"""The schema describes what is written, and the committed file is current."""

import json
import runpy
import warnings
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from meshproof.model.baseline import baseline_of, baseline_to_json
from meshproof.model.run import run_to_json
from meshproof.report.schema import SCHEMA_FOLDER, baseline_schema, report_schema, schemas, write_schemas
from tests.report.ramps import a_run_of_every_load
from tests.report.runs import a_realistic_run, a_run

REPORT = jsonschema.Draft202012Validator(report_schema())
BASELINE = jsonschema.Draft202012Validator(baseline_schema())


def validate(what: Any, by: jsonschema.Draft202012Validator) -> None:
    """As ``jsonschema.validate``, without another look at whether the schema is one."""
    if error := jsonschema.exceptions.best_match(by.iter_errors(what)):
        raise error


def report_of_a_realistic_run() -> dict[str, Any]:
    """What a reader of report.json gets."""
    report: dict[str, Any] = json.loads(run_to_json(a_realistic_run()))
    return report


@pytest.mark.parametrize("name", list(schemas()))
def test_the_committed_schema_is_current(name: str) -> None:
    """Renew it with ``python -m meshproof.report.schema``."""
    committed = json.loads((SCHEMA_FOLDER / name).read_text("utf-8"))

    assert committed == schemas()[name]


@pytest.mark.parametrize("name", list(schemas()))
def test_writing_the_schemas_gives_the_committed_files(tmp_path: Path, name: str) -> None:
    write_schemas(tmp_path)

    assert (tmp_path / name).read_text("utf-8") == (SCHEMA_FOLDER / name).read_text("utf-8")


def test_the_module_renews_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr("meshproof.report.store.atomic_write", lambda path, _: written.append(path))

    with warnings.catch_warnings(action="ignore"):  # runpy tells that the module is imported already
        runpy.run_module("meshproof.report.schema", run_name="__main__")

    assert written == [SCHEMA_FOLDER / name for name in schemas()]


@pytest.mark.parametrize("name", list(schemas()))
def test_the_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize(
    "run", [a_realistic_run(), a_run(), a_run_of_every_load()], ids=["realistic", "empty", "every load"]
)
def test_what_is_written_is_valid(run: Any) -> None:
    validate(json.loads(run_to_json(run)), REPORT)


def test_fields_of_later_versions_are_allowed() -> None:
    report = report_of_a_realistic_run()
    report["later"] = report["run"]["later"] = 1

    validate(report, REPORT)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        *(
            (None, name)
            for name in ("schema_version", "run", "environment", "verdicts", "summary", "overhead")
        ),
        *(("run", name) for name in ("id", "started", "finished", "state")),
        *(("environment", name) for name in ("kubernetes", "mesh", "proxy", "bundle_digest", "nodes")),
        *(
            ("verdicts", name)
            for name in ("requirement", "state", "subject", "evidence", "duration_s", "convergence_s")
        ),
        *(
            ("overhead", name)
            for name in (
                "profile",
                "percentile",
                "direct_ms",
                "mesh_ms",
                "difference_ms",
                "interval_ms",
                "noise_floor_ms",
                "rounds",
                "validity",
            )
        ),
    ],
)
def test_every_promised_field_is_required(part: str | None, field: str) -> None:
    report = report_of_a_realistic_run()
    of = report if part is None else report[part]
    del (of[0] if isinstance(of, list) else of)[field]

    with pytest.raises(jsonschema.ValidationError, match=field):
        validate(report, REPORT)


def test_another_schema_version_is_not_valid() -> None:
    report = report_of_a_realistic_run() | {"schema_version": "2"}

    with pytest.raises(jsonschema.ValidationError, match="'1' was expected"):
        validate(report, REPORT)


@pytest.fixture
def a_baseline() -> dict[str, Any]:
    """What a reader of a baseline gets."""
    baseline: dict[str, Any] = json.loads(baseline_to_json(baseline_of(a_realistic_run())))
    return baseline


def test_a_saved_baseline_is_valid(a_baseline: dict[str, Any]) -> None:
    validate(a_baseline, BASELINE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"baseline_version": "2"}, "'1' was expected", id="version"),
        pytest.param({"later": 1}, "'later' was unexpected", id="unknown field"),
        pytest.param({"environment": {}}, "'cpu' is a required property", id="no environment"),
    ],
)
def test_a_baseline_that_is_none_is_not_valid(
    a_baseline: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(jsonschema.ValidationError, match=said):
        validate(a_baseline | change, BASELINE)
