"""A build does what is missing and nothing else, and what it publishes is whole."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from meshproof.bundle import (
    BundleDamagedError,
    BundleMissingError,
    open_bundle,
    schedule,
)
from meshproof.bundle import build as building
from meshproof.engine.process import CommandFailedError
from meshproof.engine.progress import Steps
from meshproof.model.errors import HarnessError
from tests.bundle.builder import Builder, built, compiled
from tests.bundle.stand_ins import Tools


def test_a_first_build_makes_everything_once(builder: Builder, tools: Tools) -> None:
    bundle = builder()

    assert sorted(compiled(tools)) == [".", ".", ".", "k8s.io/kubernetes/cmd/kubectl"]
    assert built(tools) == ["meshproof.dev/build/echo:latest", bundle.node_image]
    assert len(tools.calls("mmdebstrap")) == 1
    assert "deb http://mirror.example/debian trixie main" in tools.calls("mmdebstrap")[0]
    assert bundle.kubectl.read_bytes().startswith(b"binary of k8s.io/kubernetes/cmd/kubectl")


def test_only_the_node_image_stays_in_the_engine(builder: Builder, tools: Tools) -> None:
    bundle = builder()

    assert list(tools.images) == [bundle.node_image]


def test_where_nothing_changed_nothing_runs(builder: Builder, tools: Tools) -> None:
    first = builder()
    tools.called.clear()

    assert builder() == first
    assert [tools.calls(name) for name in ("go", "mmdebstrap", "podman")] == [[], [], []]


def test_a_changed_echo_server_rebuilds_what_depends_on_it(builder: Builder, tools: Tools) -> None:
    before = builder()
    tools.called.clear()
    (builder.lock.parent / "images/echo/main.go").write_text("package main // other\n", encoding="utf-8")

    after = builder()

    assert compiled(tools) == ["."]
    assert built(tools) == ["meshproof.dev/build/echo:latest", after.node_image]
    assert tools.calls("mmdebstrap") == []
    assert after.node_image != before.node_image
    assert list(tools.images) == [before.node_image, after.node_image]


def test_a_changed_hook_makes_the_userland_again(builder: Builder, tools: Tools) -> None:
    builder()
    tools.called.clear()
    (builder.lock.parent / "images/node/hook").write_text("#!/bin/sh\n:\n", encoding="utf-8")

    builder()

    assert len(tools.calls("mmdebstrap")) == 1
    assert compiled(tools) == []


def test_an_interrupted_build_goes_on_where_it_was(builder: Builder, tools: Tools) -> None:
    tools.fail("podman", "--tag meshproof.dev/node")
    with pytest.raises(CommandFailedError, match="broken"):
        builder()
    with pytest.raises(BundleMissingError):
        open_bundle(builder.cache, lock=builder.lock)
    tools.mend()

    bundle = builder()

    assert compiled(tools) == []
    assert tools.calls("mmdebstrap") == []
    assert built(tools) == [bundle.node_image]


def test_a_damaged_bundle_is_refused_and_left_as_it_is(builder: Builder, tools: Tools) -> None:
    bundle = builder()
    bundle.kind.write_bytes(b"other")
    tools.called.clear()

    with pytest.raises(BundleDamagedError, match="bin/kind"):
        builder()

    assert tools.calls("go") == []
    assert bundle.kind.read_bytes() == b"other"


def test_repair_builds_what_is_damaged(builder: Builder, tools: Tools) -> None:
    bundle = builder()
    bundle.kind.write_bytes(b"other")  # one file with the step's: both are damaged
    tools.called.clear()

    repaired = builder(repair=True)

    assert compiled(tools) == ["."]
    assert built(tools) == []
    assert repaired == bundle
    assert repaired.kind.read_bytes().startswith(b"binary")


def test_repair_of_a_whole_bundle_does_nothing(builder: Builder, tools: Tools) -> None:
    builder()
    tools.called.clear()

    builder(repair=True)

    assert tools.calls("go") == []


def test_the_bundle_before_this_one_is_kept_and_older_ones_are_not(builder: Builder, tools: Tools) -> None:
    bundles = []
    for age, text in enumerate(["one", "two", "three"]):
        (builder.lock.parent / "images/echo/main.go").write_text(f"package {text}\n", encoding="utf-8")
        bundles.append(builder())
        os.utime(bundles[-1].root, (1000 + age, 1000 + age))

    assert [bundle.root.exists() for bundle in bundles] == [False, True, True]
    assert [bundle.node_image in tools.images for bundle in bundles] == [False, True, True]


def test_programs_log_into_the_cache(builder: Builder) -> None:
    builder()

    assert (builder.cache / "log/go-kubernetes.log").is_file()
    assert (builder.cache / "log/userland-node.log").is_file()


def test_a_second_build_waits_for_the_first(builder: Builder, said: list[str]) -> None:
    builder.cache.mkdir(parents=True)
    other = FileLock(builder.cache / "build.lock", thread_local=False)
    other.acquire()

    def say(line: str) -> None:
        said.append(line)
        if "waiting" in line:
            other.release()

    builder.steps = Steps(say=say)
    done = threading.Thread(target=builder)
    done.start()
    done.join(20)

    assert not done.is_alive()
    assert any("another build is at work" in line for line in said)
    assert open_bundle(builder.cache, lock=builder.lock).root.is_dir()


def test_a_build_that_never_ends_is_not_waited_for_forever(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.cache.mkdir(parents=True)
    monkeypatch.setattr(building, "_OTHER_BUILD_S", 0.05)

    with (
        FileLock(builder.cache / "build.lock"),
        pytest.raises(HarnessError, match="another build still holds it"),
    ):
        builder()


def test_a_recipe_that_changes_meanwhile_is_in_the_bundle(
    builder: Builder, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = builder.lock.parent / "images/echo/main.go"
    real = schedule.run_tasks
    texts = iter([b"package changed\n"])

    def run_tasks(*args: Any) -> None:
        real(*args)
        if text := next(texts, None):
            source.write_bytes(text)

    monkeypatch.setattr(building, "run_tasks", run_tasks)

    bundle = builder()

    assert any("a recipe was changed meanwhile" in line for line in said)
    assert open_bundle(builder.cache, lock=builder.lock) == bundle
    assert b"package changed" in (next_step(builder.cache, "go-echo") / "echo").read_bytes()


def next_step(cache: Path, name: str) -> Path:
    return next((cache / "steps").glob(f"{name}-*"))


def test_recipes_that_never_rest_are_refused(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    source = builder.lock.parent / "images/echo/main.go"
    real = schedule.run_tasks

    def run_tasks(*args: Any) -> None:
        real(*args)
        source.write_bytes(source.read_bytes() + b"\n")

    monkeypatch.setattr(building, "run_tasks", run_tasks)

    with pytest.raises(HarnessError, match="changed during each of 3 builds"):
        builder()


def test_each_step_is_shown_with_its_time(builder: Builder, said: list[str]) -> None:
    builder()

    assert any("go-kubernetes ... (about 4 min 43 s)" in line for line in said)
    assert any("image-node: done in" in line for line in said)
