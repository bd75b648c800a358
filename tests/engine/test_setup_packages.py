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
    ("purpose", "docker", "uid", "prefix", "expected"),
    [
        pytest.param("run", False, 0, "/usr", ["podman", "mmdebstrap", "python3-venv"], id="all-of-root"),
        pytest.param("run", True, 0, "/usr", ["mmdebstrap", "python3-venv"], id="docker"),
        pytest.param("run", False, 0, "/opt", ["podman", "mmdebstrap"], id="another-python"),
        pytest.param("run", True, 1000, "/opt", ["mmdebstrap", "uidmap"], id="user"),
        pytest.param("test", False, 1000, "/usr", ["python3-venv"], id="own-tests"),
        pytest.param("test", False, 0, "/opt", [], id="own-tests-another-python"),
    ],
)
def test_packages(
    setup: ModuleType,
    listed: str,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
    uid: int,
    prefix: str,
    expected: list[str],
    *,
    docker: bool,
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: uid)
    monkeypatch.setattr(setup.sys, "base_prefix", prefix)

    assert setup.packages(listed, setup.kinds_for(purpose, docker=docker)) == expected


def test_the_real_list_can_be_read_and_every_line_has_a_reason(setup: ModuleType) -> None:
    text = (PROJECT_ROOT / "requirements/debian.txt").read_text()

    names = setup.packages(text, {"", *setup.KINDS})

    assert {"podman", "runc", "netavark", "iptables", "mmdebstrap", "uidmap", "python3-venv"} <= set(names)
    assert all("#" in line for line in text.splitlines())


def test_root_installs_what_is_missing(setup: ModuleType, commands: list[list[str]]) -> None:
    setup.ensure_packages("run")

    assert commands[-1] == [
        *["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends"],
        *["podman", "mmdebstrap", "python3-venv"],
    ]


def test_own_tests_get_what_the_virtual_environment_needs_and_no_more(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a bare Debian `make lint` is the first command that anybody runs."""
    monkeypatch.setattr(setup, "ensure_environment", lambda _purpose: None)

    assert setup.main(["test"]) == 0

    assert [command[0] for command in commands] == ["dpkg-query", "apt-get"]
    assert commands[-1][-3:] == ["-y", "--no-install-recommends", "python3-venv"]


def test_own_tests_with_another_python_ask_debian_for_nothing(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.sys, "base_prefix", "/opt")

    setup.ensure_packages("test")

    assert commands == []


def test_user_gets_the_one_command(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)

    with pytest.raises(setup.SetupError) as caught:
        setup.ensure_packages("run")

    apt = "sudo apt-get install -y --no-install-recommends podman mmdebstrap uidmap python3-venv"
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

    setup.ensure_packages("run")

    assert done == ["install", "update", "install"]
    assert commands


@pytest.mark.usefixtures("commands")
def test_apt_that_fails_twice_is_refused(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "apt", lambda _command: False)

    with pytest.raises(setup.SetupError, match="apt-get failed"):
        setup.ensure_packages("run")


def test_docker_makes_podman_superfluous(
    setup: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "docker_answers", lambda: True)

    setup.ensure_packages("run")

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

    setup.ensure_packages("run")
    setup.VENV.mkdir()
    setup.ensure_packages("run")

    assert capsys.readouterr().out.count("this is not Debian; what is needed there is called: podman") == 1
