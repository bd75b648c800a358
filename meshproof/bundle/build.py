"""Builds the bundle for the lock: steps side by side, resumable, published by one rename."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from meshproof.bundle.archive import image_id_of
from meshproof.bundle.errors import BundleDamagedError, BundleMissingError, DiskFullError
from meshproof.bundle.golang import find_go
from meshproof.bundle.images import ARCHIVE
from meshproof.bundle.lock import LOCK_PATH, load_lock, lock_key
from meshproof.bundle.manifest import MANIFEST, SCHEMA_VERSION, Blob, ImageEntry, Manifest
from meshproof.bundle.opened import Bundle, bundle_root, open_bundle
from meshproof.bundle.recipes import LANES, Recipes
from meshproof.bundle.schedule import run_tasks
from meshproof.bundle.store import StepStore, place, write_atomically
from meshproof.engine.container import LABEL, Engine
from meshproof.engine.process import CommandFailedError
from meshproof.engine.progress import Steps
from meshproof.model.errors import HarnessError
from meshproof.paths import cache_root

__all__ = ["build_bundle", "present_bundle"]

COLD_BYTES: Final = 20_000_000_000  # both of Go's caches, every step and the engine's layers, with a reserve
WARM_BYTES: Final = 6_000_000_000  # the images alone, when every program is there
_REMOVE_S: Final = 300.0
_OTHER_BUILD_S: Final = 3600.0
_FULL: Final = "no space left on device"
_KEPT_BUNDLES: Final = 2  # this one, and the one that a running session may have open


def build_bundle(
    engine: Engine, steps: Steps, *, cache: Path | None = None, repair: bool = False, lock: Path = LOCK_PATH
) -> Bundle:
    """The bundle for the lock, built where it is missing; under 2 s when it is there.

    Refuses a damaged one (BundleDamagedError) unless ``repair`` is set: then what is damaged is built again.
    Another build in the same cache is waited for. Raises DiskFullError, HarnessError.
    """
    cache = cache or cache_root()
    if bundle := present_bundle(cache, repair=repair, lock=lock):
        return bundle
    cache.mkdir(parents=True, exist_ok=True)
    with _only_build(cache, steps):
        # Another build may have made it while this one waited.
        return present_bundle(cache, repair=repair, lock=lock) or _build(engine, steps, cache, lock)


def present_bundle(cache: Path, *, repair: bool, lock: Path = LOCK_PATH) -> Bundle | None:
    """The bundle where there is nothing to do; None where it is missing, or damaged and to be repaired."""
    try:
        return open_bundle(cache, lock=lock)
    except BundleMissingError:
        return None
    except BundleDamagedError:
        if repair:
            return None
        raise


@contextmanager
def _only_build(cache: Path, steps: Steps) -> Iterator[None]:
    only = FileLock(cache / "build.lock")
    try:
        only.acquire(timeout=0)
    except Timeout:
        steps.note("another build is at work in this cache: waiting for it")
        try:
            only.acquire(timeout=_OTHER_BUILD_S)
        except Timeout:
            raise HarnessError(
                where=only.lock_file,
                problem=f"another build still holds it after {_OTHER_BUILD_S:.0f} s",
                remedy="end that build, or set MESHPROOF_CACHE to another folder",
            ) from None
    try:
        yield
    finally:
        only.release()


def _build(engine: Engine, steps: Steps, cache: Path, lock_path: Path) -> Bundle:
    lock = load_lock(lock_path)
    recipes = Recipes(
        lock=lock,
        folder=lock_path.parent,
        cache=cache,
        store=StepStore(cache / "steps"),
        engine=engine,
        go=find_go(cache),
        steps=steps,
    )
    _room(cache)
    try:
        run_tasks(recipes.tasks(), LANES)
        _publish(recipes, lock_key(lock_path))
    except OSError as error:
        if error.errno != errno.ENOSPC and _FULL not in str(error).lower():  # shutil.Error has no errno
            raise
        raise _disk_full(cache, str(error)) from error
    except CommandFailedError as error:
        if _FULL not in str(error).lower():
            raise
        raise _disk_full(cache, str(error)) from error
    recipes.store.keep_only(list(recipes.outputs.values()))
    _forget_old_nodes(recipes)
    return open_bundle(cache, lock=lock_path)


def _forget_old_nodes(recipes: Recipes) -> None:
    """Remove the node images of older recipes from the engine; one that a node runs on stays."""
    node = recipes.node_reference()
    engine = recipes.engine
    repository = node.rpartition(":")[0]
    listed = engine.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"label={LABEL}")
    for reference in listed.stdout.split():
        if reference.startswith(f"{repository}:") and reference != node:
            engine.run("image", "rm", reference, check=False, timeout=_REMOVE_S)


def _room(cache: Path) -> None:
    built = any((cache / "steps").glob("go-kubernetes-*"))
    needed = WARM_BYTES if built else COLD_BYTES
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise DiskFullError(cache, free=free, problem=f"the build needs {needed / 1e9:.0f} GB of disk")


def _disk_full(cache: Path, evidence: str) -> DiskFullError:
    free = shutil.disk_usage(cache).free
    return DiskFullError(cache, free=free, problem="the disk ran full during the build", evidence=evidence)


def _publish(recipes: Recipes, key: str) -> None:
    """Gather the blobs under an unfinished name, write the manifest, and rename."""
    root = bundle_root(recipes.cache, key)
    unfinished = root.with_name(f".{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    blobs: list[Blob] = []

    def add(step: str, file: str, target: str, what: str) -> None:
        output = recipes.outputs[step]
        place(output.path(file), unfinished / target)
        stamp = output.files[file]
        blobs.append(Blob(path=target, what=what, sha256=stamp.sha256, size=stamp.size))

    programs = {}
    for program in recipes.lock.program:
        if program.host:
            programs[program.name] = f"bin/{program.name}"
            add(f"go-{program.component}", program.name, programs[program.name], f"program {program.name}")
    node = recipes.node_reference()
    images = []
    for image in recipes.lock.image:
        reference = node if image.role == "node" else image.reference
        target = f"images/{image.role}.tar"
        add(f"image-{image.role}", ARCHIVE, target, f"image {reference}")
        image_id = image_id_of(unfinished / target)
        images.append(ImageEntry(reference=reference, role=image.role, image_id=image_id, archive=target))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        key=key,
        versions=recipes.lock.versions(),
        tools={"go": recipes.go.version, "engine": recipes.engine.name},
        node_image=node,
        programs=programs,
        images=images,
        blobs=blobs,
    )
    write_atomically(unfinished / MANIFEST, manifest.encoded())
    if root.exists():  # damaged: the reason for this build
        shutil.rmtree(root)
    unfinished.rename(root)
    _forget_old(root)


def _forget_old(root: Path) -> None:
    bundles = sorted(root.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in bundles if path != root][_KEPT_BUNDLES - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
