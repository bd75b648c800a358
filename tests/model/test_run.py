"""``report.json``: the tree there and back."""

import json

import msgspec
import pytest

from meshproof.model.run import SCHEMA_VERSION, Environment, Host, Run, RunInfo, run_from_json, run_to_json

RUN = Run(
    run=RunInfo(id="20261122-200501-3f9c", started="2026-11-22T20:05:01+00:00"),
    environment=Environment(host=Host(cpu="Model 1", cpus=4, memory_mib=16_384, engine="podman")),
)


def test_run_reads_back_as_it_was_written() -> None:
    assert run_from_json(run_to_json(RUN)) == RUN


def test_text_is_indented_and_ends_with_a_line_feed() -> None:
    text = run_to_json(RUN)

    assert text.startswith('{\n  "run": {\n    "id"')
    assert text.endswith("}\n")


def test_schema_version_is_told() -> None:
    assert json.loads(run_to_json(RUN))["schema_version"] == SCHEMA_VERSION


def test_unknown_field_of_a_later_version_is_left_aside() -> None:
    text = json.dumps({**json.loads(run_to_json(RUN)), "later": 1})

    assert run_from_json(text) == RUN


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("{}", "run", id="no-run"),
        pytest.param('{"run": {"id": "x", "started": 5}}', r"\$\.run\.started", id="wrong-type"),
        pytest.param('{"run": {"id": "x", "started": "y", "state": "lost"}}', r"\$\.run\.state", id="state"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(text: str, where: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=where):
        run_from_json(text)
