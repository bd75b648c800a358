"""The trial of Docker, with a program that plays it."""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine.process import run
from meshproof.engine.trial import try_docker, write_probe
from meshproof.model.errors import HarnessError

PLAY = """case "$1 $2" in
  "--version ") echo Docker version 26.1.0, build 1 ;;
  "version --format") {daemon} ;;
  "import --change") echo sha256:abc ;;
  "run --rm") {container} ;;
esac"""


def played(program: Any, *, daemon: str = "echo 26.1.0", container: str = ":") -> str:
    return str(program("docker", PLAY.format(daemon=daemon, container=container)))


def test_docker_that_runs_a_privileged_container_works(program: Any, tmp_path: Path) -> None:
    docker = played(program)

    trial = try_docker(docker)

    assert (trial.state, trial.words) == ("works", "26.1.0")
    calls = (tmp_path / "bin/calls").read_text().splitlines()
    imported = calls.pop(3)
    assert imported.startswith('import --change LABEL dev.meshproof=probe --change ENTRYPOINT ["/true"] ')
    assert calls == [
        "--version",
        "version --format {{.Server.Version}}",
        "image prune --force --filter label=dev.meshproof=probe --filter until=1h",
        "run --rm --privileged --cgroupns=private --network=none --label dev.meshproof=probe sha256:abc",
        "image rm --force sha256:abc",
    ]


def test_answer_is_remembered(program: Any, tmp_path: Path) -> None:
    docker = played(program)

    first = try_docker(docker)
    (tmp_path / "bin/calls").unlink()

    assert try_docker(docker) is first
    assert not (tmp_path / "bin/calls").exists()


def test_docker_that_refuses_is_said_in_its_words_and_cleaned_up(program: Any, tmp_path: Path) -> None:
    docker = played(program, container="echo first >&2; echo setrlimit: not permitted >&2; exit 126")

    trial = try_docker(docker)

    assert (trial.state, trial.words) == ("refused", "setrlimit: not permitted")
    assert (tmp_path / "bin/calls").read_text().splitlines()[-1] == "image rm --force sha256:abc"


@pytest.mark.parametrize(
    ("daemon", "words"),
    [
        pytest.param("echo Cannot connect >&2; exit 1", "Cannot connect", id="words"),
        pytest.param("exit 1", "exit status 1", id="silent"),
    ],
)
def test_no_daemon(program: Any, daemon: str, words: str) -> None:
    trial = try_docker(played(program, daemon=daemon))

    assert (trial.state, trial.words) == ("no-daemon", words)


def test_podman_called_docker_is_not_docker(program: Any) -> None:
    trial = try_docker(str(program("docker", "echo podman version 4.3.1")))

    assert (trial.state, trial.words) == ("shim", "it is not Docker, it says 'podman version 4.3.1'")


def test_program_that_cannot_be_started(tmp_path: Path) -> None:
    trial = try_docker(str(tmp_path / "gone"))

    assert trial.state == "refused"
    assert "cannot be started" in trial.words


def test_probe_holds_a_program_that_needs_nothing_else(tmp_path: Path) -> None:
    archive = tmp_path / "probe.tar"

    write_probe(archive)

    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "root", filter="data")
        assert all(entry.isreg() for entry in tar.getmembers())
    assert run([tmp_path / "root/true"], timeout=5).returncode == 0


def test_probe_needs_a_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(HarnessError, match="coreutils"):
        write_probe(tmp_path / "probe.tar")
