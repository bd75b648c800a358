"""The schema describes what is written, and the committed file is current."""

import json
import runpy
import warnings
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from meshproof.model.run import run_to_json
from meshproof.report.schema import SCHEMA_FILE, report_schema, write_schema
from tests.report.runs import a_realistic_run, a_run


def report_of_a_realistic_run() -> dict[str, Any]:
    """What a reader of report.json gets."""
    report: dict[str, Any] = json.loads(run_to_json(a_realistic_run()))
    return report


def test_the_committed_schema_is_current() -> None:
    """Renew it with ``python -m meshproof.report.schema``."""
    committed = json.loads(SCHEMA_FILE.read_text("utf-8"))

    assert committed == report_schema()


def test_writing_the_schema_gives_the_committed_file(tmp_path: Path) -> None:
    written = write_schema(tmp_path / "schema.json")

    assert written.read_text("utf-8") == SCHEMA_FILE.read_text("utf-8")


def test_the_module_renews_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr("meshproof.report.store.atomic_write", lambda path, _: written.append(path))

    with warnings.catch_warnings(action="ignore"):  # runpy tells that the module is imported already
        runpy.run_module("meshproof.report.schema", run_name="__main__")

    assert written == [SCHEMA_FILE]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())


@pytest.mark.parametrize("run", [a_realistic_run(), a_run()], ids=["realistic", "empty"])
def test_what_is_written_is_valid(run: Any) -> None:
    jsonschema.validate(json.loads(run_to_json(run)), report_schema())


def test_fields_of_later_versions_are_allowed() -> None:
    report = report_of_a_realistic_run()
    report["later"] = report["run"]["later"] = 1

    jsonschema.validate(report, report_schema())


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
        jsonschema.validate(report, report_schema())


def test_another_schema_version_is_not_valid() -> None:
    report = report_of_a_realistic_run() | {"schema_version": "2"}

    with pytest.raises(jsonschema.ValidationError, match="'1' was expected"):
        jsonschema.validate(report, report_schema())
