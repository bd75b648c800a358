"""requirements/setup.py: what is asked of dpkg and apt, and what a user is told."""

import subprocess
from types import ModuleType
from typing import Any

import pytest

from meshproof.paths import PROJECT_ROOT


@pytest.fixture
def listed(setup: ModuleType) -> str:
    """The list of packages that the script reads."""
    return str((setup.HERE / "debian.txt").read_text())


@pytest.fixture
def commands(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is run; dpkg knows no package, everything else succeeds."""
    ran: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 1 if "docker" in command[0] else 0, "", "")

    monkeypatch.setattr(setup.subprocess, "run", run)
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    monkeypatch.setattr(setup.sys, "base_prefix", "/usr")
    return ran


@pytest.mark.parametrize(
    ("docker", "debians_python", "expected"),
    [
        pytest.param(False, True, ["podman", "mmdebstrap", "python3-venv"], id="all"),
        pytest.param(True, True, ["mmdebstrap", "python3-venv"], id="docker"),
        pytest.param(False, False, ["podman", "mmdebstrap"], id="another-python"),
    ],
)
def test_packages(
    setup: ModuleType, listed: str, expected: list[str], *, docker: bool, debians_python: bool
) -> None:
    assert setup.packages(listed, docker=docker, debians_python=debians_python) == expected


def test_the_real_list_can_be_read_and_every_line_has_a_reason(setup: ModuleType) -> None:
    text = (PROJECT_ROOT / "requirements/debian.txt").read_text()

    names = setup.packages(text, docker=False, debians_python=True)

    assert {"podman", "runc", "netavark", "iptables", "mmdebstrap"} <= set(names)
    assert all("#" in line for line in text.splitlines())


def test_root_installs_what_is_missing(setup: ModuleType, commands: list[list[str]]) -> None:
    setup.ensure_packages()

    assert commands[-1] == [
        *["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends"],
        *["podman", "mmdebstrap", "python3-venv"],
    ]


def test_user_gets_the_one_command(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)

    with pytest.raises(setup.SetupError) as caught:
        setup.ensure_packages()

    apt = "sudo apt-get install -y --no-install-recommends podman mmdebstrap python3-venv"
    assert str(caught.value) == f"Debian packages are missing; run: {apt}"
    assert not any("apt-get" in command[0] for command in commands)


def test_old_lists_are_updated_once(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    answers = iter([False, True, True])

    def apt(command: list[str]) -> bool:
        done.append(command[1])
        return next(answers)

    monkeypatch.setattr(setup, "apt", apt)

    setup.ensure_packages()

    assert done == ["install", "update", "install"]
    assert commands


@pytest.mark.usefixtures("commands")
def test_apt_that_fails_twice_is_refused(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "apt", lambda _command: False)

    with pytest.raises(setup.SetupError, match="apt-get failed"):
        setup.ensure_packages()


def test_docker_makes_podman_superfluous(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "docker_answers", lambda: True)

    setup.ensure_packages()

    assert commands[-1][-2:] == ["mmdebstrap", "python3-venv"]


def test_installed_means_installed(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "podman installed\nmmdebstrap config-files\n"
    monkeypatch.setattr(
        setup.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, told, "")
    )

    assert setup.not_installed(["podman", "mmdebstrap", "runc"]) == ["mmdebstrap", "runc"]


def test_elsewhere_the_names_are_told_once(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda _name: None)

    setup.ensure_packages()
    setup.VENV.mkdir()
    setup.ensure_packages()

    assert capsys.readouterr().out.count("this is not Debian; what is needed there is called: podman") == 1
