"""The examples for CI call commands and options that there are."""

import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from meshproof.cli import app
from meshproof.paths import PROJECT_ROOT

EXAMPLES = PROJECT_ROOT / "docs" / "ci"
CALL = re.compile(r"\.venv/bin/meshproof ([^\n|&>]+)")


def commands_in(path: Path) -> list[list[str]]:
    """Every call of meshproof in a file."""
    return [shlex.split(found) for found in CALL.findall(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", [pytest.param(each, id=each.name) for each in sorted(EXAMPLES.iterdir())])
def test_every_command_of_an_example_is_there(path: Path) -> None:
    commands = commands_in(path)

    assert commands
    for words in commands:
        command: Any = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for each in command.params for name in each.opts}
        assert not getattr(command, "commands", {}) or getattr(command, "invoke_without_command", False)
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_example_is_yaml_with_jobs(name: str) -> None:
    text = (EXAMPLES / name).read_text("utf-8")

    parsed = yaml.safe_load(text)

    jobs = parsed.get("jobs", parsed)
    assert {"conformance", "nightly"} <= set(jobs)
    assert "pytest suites/ --expectations" in text
    assert "requirements/setup.py run" in text


def test_script_for_cron_can_be_run() -> None:
    script = EXAMPLES / "nightly.sh"

    read = subprocess.run(
        ["/bin/sh", "-n", str(script)], capture_output=True, text=True, timeout=10, check=False
    )

    assert (read.returncode, read.stderr) == (0, "")
    assert script.stat().st_mode & stat.S_IXUSR
