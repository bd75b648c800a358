"""Images that a cluster does not get with its nodes, and what they are made of."""

from pathlib import Path

import pytest

from tests.bundle.builder import Builder, built
from tests.bundle.stand_ins import Tools

TRACER = """
[[userland]]
name = "tracer"
packages = ["tracer"]
collects = ["tracer.tar"]

[[image]]
reference = "docker.io/tracing/tracer:1"
role = "tracer"
source = "built"
recipe = "images/tracer"
load = "on-demand"
archives = ["tracer/tracer"]
"""


@pytest.fixture
def with_tracer(builder: Builder) -> Builder:
    (builder.lock.parent / "images/tracer").mkdir()
    (builder.lock.parent / "images/tracer/Containerfile").write_text("FROM scratch\n", encoding="utf-8")
    builder.lock.write_text(builder.lock.read_text(encoding="utf-8") + TRACER, encoding="utf-8")
    return builder


def test_the_bundle_holds_an_image_that_is_loaded_on_demand(with_tracer: Builder) -> None:
    bundle = with_tracer()

    assert bundle.images["docker.io/tracing/tracer:1"].archive.is_file()


def test_the_node_image_does_not_change_with_it(with_tracer: Builder, tools: Tools) -> None:
    before = with_tracer()
    tools.called.clear()
    (with_tracer.lock.parent / "images/tracer/Containerfile").write_text("FROM scratch\nUSER 1\n")

    after = with_tracer()

    assert built(tools) == ["meshproof.dev/build/tracer:latest"]
    assert after.node_image == before.node_image
    assert after.digest != before.digest


def test_a_root_filesystem_that_no_image_takes_is_not_kept(with_tracer: Builder) -> None:
    with_tracer()

    assert kept_of(with_tracer.cache, "tracer") == {"stamp.json", "tracer.tar"}
    assert kept_of(with_tracer.cache, "node") == {"stamp.json", "extra.tar", "rootfs.tar"}


def kept_of(cache: Path, userland: str) -> set[str]:
    return {path.name for path in next((cache / "steps").glob(f"userland-{userland}-*")).iterdir()}


def test_archives_of_unpacked_modules_are_given_back(builder: Builder) -> None:
    download = builder.cache / "go/mod/cache/download/example.org/m/@v"
    download.mkdir(parents=True)
    for name in ("v1.0.0.zip", "v1.0.0.ziphash", "v1.0.0.mod"):
        (download / name).touch()

    builder()

    assert {path.name for path in download.iterdir()} == {"v1.0.0.ziphash", "v1.0.0.mod"}
