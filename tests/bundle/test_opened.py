"""A bundle is verified blob by blob before it is used."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from meshproof.bundle import (
    Bundle,
    BundleDamagedError,
    BundleMissingError,
    build_bundle,
    ensure_node_image,
    open_bundle,
)
from meshproof.bundle.lock import lock_key
from meshproof.bundle.opened import bundle_root
from meshproof.engine.container import Engine
from meshproof.engine.progress import Steps
from meshproof.model.errors import BadInputError, HarnessError


@pytest.fixture
def bundle(engine: Engine, steps: Steps, cache: Path, lock: Path) -> Bundle:
    return build_bundle(engine, steps, cache=cache, lock=lock)


def test_without_a_bundle_the_command_that_makes_one_is_named(cache: Path, lock: Path) -> None:
    with pytest.raises(BundleMissingError, match="make it with 'meshproof bundle build'") as missing:
        open_bundle(cache, lock=lock)

    assert missing.value.exit_code == 4
    assert missing.value.root == bundle_root(cache, lock_key(lock))


def test_what_was_built_is_opened(bundle: Bundle, cache: Path, lock: Path) -> None:
    opened = open_bundle(cache, lock=lock)

    assert opened == bundle
    assert opened.digest.startswith("sha256:")
    assert opened.node_image.startswith("meshproof.dev/node:v1.34.4-")
    assert opened.versions["kind"] == "v0.33.0"
    assert opened.image("echo").reference == "meshproof.dev/echo:0.1.0"
    assert opened.image("echo").digest == opened.image("echo").image_id
    assert set(opened.images) == {"meshproof.dev/echo:0.1.0", opened.node_image}
    assert {path.parent.name for path in (opened.kind, opened.helm, opened.kubectl)} == {"bin"}


def test_the_cache_of_the_environment_is_the_default(bundle: Bundle, lock: Path) -> None:
    assert open_bundle(lock=lock) == bundle


def test_an_unknown_role_is_refused_with_the_nearest(bundle: Bundle) -> None:
    with pytest.raises(BadInputError, match="did you mean 'echo'"):
        bundle.image("ecko")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "actual"),
    [
        pytest.param(flip, "got sha256:", id="one-flipped-bit"),
        pytest.param(truncate, "bytes, expected", id="truncated"),
        pytest.param(Path.unlink, "got no file", id="missing"),
    ],
)
def test_a_damaged_blob_is_named(
    bundle: Bundle, cache: Path, lock: Path, damage: Callable[[Path], None], actual: str
) -> None:
    damage(bundle.image("echo").archive)

    with pytest.raises(BundleDamagedError) as damaged:
        open_bundle(cache, lock=lock)

    assert damaged.value.where.endswith("images/echo.tar")
    assert "image meshproof.dev/echo:0.1.0" in damaged.value.problem
    assert actual in damaged.value.problem
    assert "meshproof bundle build --repair" in damaged.value.remedy
    assert damaged.value.exit_code == 4


def test_every_damaged_blob_is_counted(bundle: Bundle, cache: Path, lock: Path) -> None:
    flip(bundle.kind)
    bundle.helm.unlink()

    with pytest.raises(BundleDamagedError, match=r"\(and 1 more\)") as damaged:
        open_bundle(cache, lock=lock)

    assert {damage.blob for damage in damaged.value.damages} == {"bin/kind", "bin/helm"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"schema_version": 2}, "schema_version 2", id="schema"),
        pytest.param({"key": 3}, "Expected `str`", id="type"),
        pytest.param({"more": 1}, "unknown field", id="unknown-field"),
        pytest.param({"programs": {"kind": "bin/none"}}, "not among the blobs", id="program-without-blob"),
        pytest.param(
            {"blobs": [{"path": "../x", "what": "x", "sha256": f"sha256:{'0' * 64}", "size": 1}]},
            "outside the bundle",
            id="outside",
        ),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_damage(
    bundle: Bundle, cache: Path, lock: Path, change: dict[str, object], problem: str
) -> None:
    path = bundle.root / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")

    with pytest.raises(BundleDamagedError) as damaged:
        open_bundle(cache, lock=lock)

    assert damaged.value.where.endswith("manifest.json")
    assert problem in damaged.value.problem


def test_a_bundle_without_a_manifest_is_damaged(bundle: Bundle, cache: Path, lock: Path) -> None:
    (bundle.root / "manifest.json").unlink()

    with pytest.raises(BundleDamagedError, match="No such file"):
        open_bundle(cache, lock=lock)


def test_the_digest_is_that_of_the_content_and_not_of_its_layout(
    bundle: Bundle, cache: Path, lock: Path
) -> None:
    path = bundle.root / "manifest.json"
    content = msgspec.json.decode(path.read_bytes())
    path.write_text(json.dumps(dict(reversed(content.items()))), encoding="utf-8")

    assert open_bundle(cache, lock=lock).digest == bundle.digest


def test_the_node_image_is_loaded_where_the_engine_lacks_it(bundle: Bundle, engine: Engine) -> None:
    engine.run("image", "rm", bundle.node_image)

    ensure_node_image(engine, bundle)

    assert engine.image_id(bundle.node_image) == bundle.image("node").image_id


def test_the_node_image_is_not_loaded_twice(bundle: Bundle, engine: Engine) -> None:
    bundle.image("node").archive.unlink()

    ensure_node_image(engine, bundle)

    assert engine.image_id(bundle.node_image) is not None


def test_an_engine_that_takes_no_image_is_named(
    bundle: Bundle, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "load", lambda *_args, **_options: None)
    engine.run("image", "rm", bundle.node_image)

    with pytest.raises(HarnessError, match="not there after"):
        ensure_node_image(engine, bundle)
