"""The exact command of every verb, for Docker and for podman."""

import json
from pathlib import Path
from typing import Any

import pytest

from meshproof.engine import container as module
from meshproof.engine.container import Container, Engine, podman_settings
from meshproof.engine.process import CommandFailedError, Completed


class Recorder:
    """Stands for the door to subprocesses: writes down each call, answers from a list."""

    def __init__(self) -> None:
        self.argv: list[list[str]] = []
        self.options: list[dict[str, Any]] = []
        self.answers: list[tuple[int, str]] = []

    def __call__(self, argv: list[str | Path], **options: Any) -> Completed:
        self.argv.append([str(part) for part in argv])
        self.options.append(options)
        status, said = self.answers.pop(0) if self.answers else (0, "")
        done = Completed(argv=tuple(self.argv[-1]), returncode=status, stdout=said, stderr="", seconds=0)
        if options["check"] and status:
            raise CommandFailedError(done)
        return done


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(module, "run", recorder)
    return recorder


DOCKER = Engine(name="docker", program="docker")
PODMAN = Engine(name="podman", program="podman", env={"CONTAINERS_CONF": "/c"})
ID = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("engine", "extra"),
    [
        pytest.param(DOCKER, [], id="docker"),
        pytest.param(PODMAN, ["--timestamp", "0", "--network", "none"], id="podman"),
    ],
)
def test_build(door: Recorder, engine: Engine, extra: list[str]) -> None:
    door.answers = [(0, ""), (0, f"{ID}\n")]

    built = engine.build(
        Path("/context"), tag="echo:1", containerfile=Path("/c/Containerfile"), timeout=9, log=Path("/log")
    )

    assert built == ID
    label = ["--label", "dev.meshproof=image"]
    command = [
        engine.name,
        "build",
        "--tag",
        "echo:1",
        *label,
        "--file",
        "/c/Containerfile",
        *extra,
        "/context",
    ]
    assert door.argv[0] == command
    assert door.options[0] == {
        "timeout": 9,
        "env": engine.env,
        "check": True,
        "log": Path("/log"),
        "stdin": None,
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param((0, f"{ID}\n"), ID, id="docker"),
        pytest.param((0, f"{'a' * 64}\n"), ID, id="podman"),
        pytest.param((125, ""), None, id="not-there"),
    ],
)
def test_image_id(door: Recorder, answer: tuple[int, str], expected: str | None) -> None:
    door.answers = [answer]

    assert PODMAN.image_id("echo:1") == expected
    assert door.argv == [["podman", "image", "inspect", "--format", "{{.Id}}", "echo:1"]]


@pytest.mark.parametrize(
    ("engine", "references", "expected"),
    [
        pytest.param(
            DOCKER, ["a:1", "b:1"], ["docker", "save", "--output", "/x.tar", "a:1", "b:1"], id="docker"
        ),
        pytest.param(
            PODMAN,
            ["a:1"],
            ["podman", "save", "--format", "docker-archive", "--output", "/x.tar", "a:1"],
            id="podman-one",
        ),
        pytest.param(
            PODMAN,
            ["a:1", "b:1"],
            [
                *["podman", "save", "--format", "docker-archive", "--multi-image-archive"],
                *["--output", "/x.tar", "a:1", "b:1"],
            ],
            id="podman-several",
        ),
    ],
)
def test_save(door: Recorder, engine: Engine, references: list[str], expected: list[str]) -> None:
    engine.save(references, Path("/x.tar"), timeout=9)

    assert door.argv == [expected]


def test_load_exec(door: Recorder) -> None:
    PODMAN.load(Path("/x.tar"), timeout=9)
    PODMAN.exec("node", "ls", "-l", check=False)

    assert door.argv == [
        ["podman", "load", "--input", "/x.tar"],
        ["podman", "exec", "node", "ls", "-l"],
    ]


@pytest.mark.parametrize(
    ("listed", "removed"),
    [
        pytest.param("", [], id="none"),
        pytest.param("v1\nv2\n", [["podman", "volume", "rm", "v1", "v2"]], id="some"),
    ],
)
def test_container_goes_with_the_volumes_that_kind_made_for_it(
    door: Recorder, listed: str, removed: list[list[str]]
) -> None:
    door.answers = [(0, ""), (0, listed)]

    PODMAN.remove(Container(id="1", name="node", state="running", labels={}))

    assert door.argv == [
        ["podman", "rm", "--force", "--volumes", "1"],
        ["podman", "volume", "ls", "--quiet", "--filter", "label=node"],
        *removed,
    ]


DETAILS = [
    {"Id": "1", "Name": "/node", "State": {"Status": "running"}, "Config": {"Labels": {"k": "v"}}},
    {"Id": "2", "Name": "other", "State": {"Status": "exited"}, "Config": {"Labels": None}},
]
LISTED = [
    Container(id="1", name="node", state="running", labels={"k": "v"}),
    Container(id="2", name="other", state="exited", labels={}),
]


def test_containers_are_listed_by_label(door: Recorder) -> None:
    door.answers = [(0, "1\n2\n"), (0, json.dumps(DETAILS))]

    assert PODMAN.containers(label="k=v") == LISTED
    assert door.argv == [
        ["podman", "ps", "--all", "--no-trunc", "--filter", "label=k=v", "--format", "{{.ID}}"],
        ["podman", "inspect", "--type", "container", "1", "2"],
    ]


def test_no_containers_need_no_second_call(door: Recorder) -> None:
    assert PODMAN.containers(label="k") == []
    assert len(door.argv) == 1


def test_container_that_goes_away_between_the_calls_is_left_out(door: Recorder) -> None:
    door.answers = [(0, "1\n2\n3\n"), (125, json.dumps(DETAILS))]

    assert PODMAN.containers(label="k") == LISTED


def test_engine_that_fails_between_the_calls_is_an_error(door: Recorder) -> None:
    door.answers = [(0, "1\n"), (125, "")]

    with pytest.raises(CommandFailedError):
        PODMAN.containers(label="k")


def test_settings_text() -> None:
    assert (
        podman_settings(runtime=None, cgroupfs=False, nofile=None, nproc=None) == "[containers]\n\n[engine]\n"
    )
