"""What Allure is given beside the results."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from meshproof.report.allure import allure_categories, allure_environment, write_allure_extras
from tests.report.runs import a_run, an_environment


def test_the_environment_says_what_was_tested() -> None:
    lines = allure_environment(a_run()).splitlines()

    assert "Mesh=traefik-mesh v1.4.8" in lines
    assert "Nodes=meshproof-control-plane, meshproof-worker" in lines
    assert "Setting\\ mesh_profile=plain" in lines


def test_the_environment_holds_one_line_a_row_in_ascii() -> None:
    seen = msgspec.structs.replace(an_environment(), mesh="網\n😀\\", host=None, settings={"a=b": "x"})

    lines = allure_environment(a_run(environment=seen)).splitlines()

    assert "Mesh=\\u7db2\\n\\ud83d\\ude00\\\\" in lines
    assert "Setting\\ a\\=b=x" in lines
    assert not any(line.startswith("Host") for line in lines)


@pytest.mark.parametrize(
    ("status", "message", "category"),
    [
        ("failed", "AssertionError: Host\narrived as", "Failed requirement"),
        ("failed", "[XPASS(strict)] findings.md#x", "Deviation that is gone (passed unexpectedly)"),
        ("skipped", "XFAIL findings.md#x\n\nAssertionError: ...", "Known deviation"),
        ("broken", "HARNESS: probe: no answer", "Inconclusive (harness or environment)"),
        (
            "skipped",
            "Skipped: not supported by traefik-mesh 1.4",
            "Not supported by this version of the mesh",
        ),
    ],
)
def test_every_result_belongs_to_one_category(status: str, message: str, category: str) -> None:
    fitting = [
        entry["name"]
        for entry in allure_categories()
        if status in str(entry["matchedStatuses"])
        and re.fullmatch(str(entry.get("messageRegex", "(?s).*")), message)
    ]

    assert fitting == [category]


def test_both_files_are_written_where_allure_looks(tmp_path: Path) -> None:
    write_allure_extras(tmp_path / "allure", a_run())

    assert (tmp_path / "allure" / "environment.properties").read_text("utf-8") == allure_environment(a_run())
    assert json.loads((tmp_path / "allure" / "categories.json").read_text("utf-8")) == allure_categories()
