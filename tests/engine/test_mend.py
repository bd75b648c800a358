"""What is mended, in a root of our own, and when the preflight refuses."""

import resource
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine import mend as module
from meshproof.engine.finding import Finding, MakeFolder, Mend, Purpose, RaiseOpenFiles, WriteSetting
from meshproof.engine.mend import Attempt, PreflightError, mend_host, prepare_host
from meshproof.model.errors import ExitCode


def finding(mend: Mend | None) -> Finding:
    return Finding(code="X", severity="warning", what="what", why="why", remedy="remedy", mendable=mend)


def test_setting_is_written(tmp_path: Path) -> None:
    setting = tmp_path / "proc/sys/fs/inotify/max_user_instances"
    setting.parent.mkdir(parents=True)
    mend = WriteSetting(path="/proc/sys/fs/inotify/max_user_instances", value=1024)

    attempts = mend_host([finding(mend), finding(None)], root=tmp_path)

    assert setting.read_text() == "1024\n"
    assert [str(attempt) for attempt in attempts] == [f"set {mend.path} to 1024"]


def test_folder_is_made(tmp_path: Path) -> None:
    attempts = mend_host([finding(MakeFolder(path="/lib/modules"))], root=tmp_path)

    assert (tmp_path / "lib/modules").is_dir()
    assert [str(attempt) for attempt in attempts] == ["made /lib/modules"]


def test_soft_limit_is_raised_to_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, 20_000))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append((which, limits)))

    attempts = mend_host([finding(RaiseOpenFiles(to=20_000))])

    assert asked == [(resource.RLIMIT_NOFILE, (20_000, 20_000))]
    assert [str(attempt) for attempt in attempts] == ["raised the limit of open files to 20000 for this run"]


def test_mend_that_fails_says_why_and_does_not_raise(tmp_path: Path) -> None:
    attempts = mend_host([finding(WriteSetting(path="/no/such/folder", value=1))], root=tmp_path)

    assert attempts[0].error is not None
    assert str(attempts[0]).startswith("not done (")


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The hosts that the next readings give, in order."""
    readings: list[Any] = []
    monkeypatch.setattr(module, "read_host", lambda _cache: readings.pop(0))
    return readings


def test_fit_host_is_read_once(host: Any, hosts: list[Any], tmp_path: Path) -> None:
    hosts.append(host())

    engine = prepare_host(Purpose.RUN, tmp_path)

    assert engine.name == "podman"


def test_mended_host_is_read_again(
    host: Any, hosts: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts += [host(lib_modules=False), host()]
    tried: list[Finding] = []

    def mended(findings: list[Finding]) -> list[Attempt]:
        tried.extend(each for each in findings if each.mendable)
        return [Attempt(mend=MakeFolder(path="/lib/modules"))]

    monkeypatch.setattr(module, "mend_host", mended)
    said: list[str] = []

    prepare_host(Purpose.RUN, tmp_path, say=said.append)

    assert [each.code for each in tried] == ["LIB-MODULES"]
    assert said == ["preflight: made /lib/modules"]
    assert hosts == []


def test_warning_is_said_and_does_not_stop(host: Any, hosts: list[Any], tmp_path: Path) -> None:
    hosts.append(host(cpus=1))
    said: list[str] = []

    prepare_host(Purpose.RUN, tmp_path, say=said.append)

    assert len(said) == 1
    assert said[0].startswith("preflight: warning: CPUS: 1 x Model 1; ")


def test_every_problem_is_listed_with_its_remedy(host: Any, hosts: list[Any], tmp_path: Path) -> None:
    hosts.append(host(memory_available_mib=1024, without=("netavark",)))

    with pytest.raises(PreflightError) as caught:
        prepare_host(Purpose.RUN, tmp_path)

    text = str(caught.value)
    assert text.startswith("PREFLIGHT: this host: 2 problems in the way of the run; ")
    assert "\n- PODMAN-PARTS: podman lacks netavark; " in text
    assert "apt-get install -y --no-install-recommends netavark" in text
    assert "\n- MEMORY: 1.0 GiB" in text
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert list(tmp_path.iterdir()) == []
