"""Builds the bundle for the lock: steps side by side, resumable, published by one rename."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from meshproof.bundle.archive import image_id_of
from meshproof.bundle.errors import BundleDamagedError, BundleMissingError, DiskFullError
from meshproof.bundle.golang import find_go
from meshproof.bundle.images import ARCHIVE
from meshproof.bundle.lock import LOCK_PATH, Lock, load_lock, lock_key
from meshproof.bundle.manifest import MANIFEST, SCHEMA_VERSION, Blob, ImageEntry, Manifest, read_manifest
from meshproof.bundle.opened import Bundle, bundle_root, open_bundle
from meshproof.bundle.recipes import LANES, Recipes
from meshproof.bundle.schedule import run_tasks
from meshproof.bundle.store import Output, StepStore, place, write_atomically
from meshproof.bundle.userland import machine_sources
from meshproof.engine.container import Engine
from meshproof.engine.process import CommandFailedError
from meshproof.engine.progress import Steps
from meshproof.model.errors import HarnessError
from meshproof.paths import cache_root

__all__ = ["build_bundle", "present_bundle"]

COLD_BYTES: Final = 22_000_000_000  # both of Go's caches, every step and the engine's layers, with a reserve
WARM_BYTES: Final = 6_000_000_000  # the images alone, when every program is there
_REMOVE_S: Final = 300.0
_OTHER_BUILD_S: Final = 3600.0
_FULL: Final = "no space left on device"
_ATTEMPTS: Final = 3  # somebody who edits a recipe during a build does so once or twice
_KEPT_BUNDLES: Final = 2  # this one, and the one that a running session may have open


def build_bundle(
    engine: Engine, steps: Steps, *, cache: Path | None = None, repair: bool = False, lock: Path = LOCK_PATH
) -> Bundle:
    """The bundle for the lock, built where it is missing; under 2 s when it is there.

    Refuses a damaged one (BundleDamagedError) unless ``repair`` is set: then what is damaged is built again.
    Another build in the same cache is waited for. Raises DiskFullError, HarnessError, and
    BadInputError where no Debian mirror is known.
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
        return open_bundle(cache, lock=lock, anew=repair)
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


def _build(engine: Engine, steps: Steps, cache: Path, lock: Path) -> Bundle:
    _room(cache)
    _mirrors(cache, load_lock(lock))
    go = find_go(cache)
    for _ in range(_ATTEMPTS):
        key = lock_key(lock)
        recipes = Recipes(
            lock=load_lock(lock),
            folder=lock.parent,
            cache=cache,
            store=StepStore(cache / "steps"),
            engine=engine,
            go=go,
            steps=steps,
        )
        with _full_disk_named(cache):
            run_tasks(recipes.tasks(), LANES)
            if lock_key(lock) == key:
                _publish(recipes, key)
                recipes.store.keep_only(list(recipes.outputs.values()))
                _forget_old(bundle_root(cache, key), engine)
                return open_bundle(cache, lock=lock)
        steps.note("a recipe was changed meanwhile: building what that changes")
    raise HarnessError(
        where=str(lock.parent),
        problem=f"the recipes changed during each of {_ATTEMPTS} builds",
        remedy="build again when they are left alone: finished steps are kept",
    )


@contextmanager
def _full_disk_named(cache: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, CommandFailedError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if not full and _FULL not in str(error).lower():  # shutil.Error has no errno
            raise
        free = shutil.disk_usage(cache).free
        problem = "the disk ran full during the build"
        raise DiskFullError(cache, free=free, problem=problem, evidence=str(error)) from error


def _room(cache: Path) -> None:
    built = any((cache / "steps").glob("go-kubernetes-*"))
    needed = WARM_BYTES if built else COLD_BYTES
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise DiskFullError(cache, free=free, problem=f"the build needs {needed / 1e9:.0f} GB of disk")


def _mirrors(cache: Path, lock: Lock) -> None:
    """Refuse before the minutes of compiling where no Debian mirror is known and a userland is to be made."""
    if not all(any((cache / "steps").glob(f"userland-{row.name}-*")) for row in lock.userland):
        machine_sources(lock.debian.release)


def _publish(recipes: Recipes, key: str) -> None:
    """Gather the blobs under an unfinished name, write the manifest, and rename."""
    root = bundle_root(recipes.cache, key)
    unfinished = root.with_name(f".{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    blobs: list[Blob] = []
    programs = {}
    for program in recipes.lock.program:
        if program.host:
            programs[program.name] = target = f"bin/{program.name}"
            output = recipes.outputs[f"go-{program.component}"]
            blobs.append(_gather(output, program.name, unfinished, target, f"program {program.name}"))
    node = recipes.node_reference()
    images = []
    for image in recipes.lock.image:
        reference = node if image.role == "node" else image.reference
        output, target = recipes.outputs[f"image-{image.role}"], f"images/{image.role}.tar"
        blobs.append(_gather(output, ARCHIVE, unfinished, target, f"image {reference}"))
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


def _gather(output: Output, file: str, root: Path, target: str, what: str) -> Blob:
    place(output.path(file), root / target)
    stamp = output.files[file]
    return Blob(path=target, what=what, sha256=stamp.sha256, size=stamp.size)


def _forget_old(root: Path, engine: Engine) -> None:
    """Remove older bundles with their node images; one that a node runs on stays in the engine."""
    bundles = sorted(root.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in bundles if path != root][_KEPT_BUNDLES - 1 :]:
        with suppress(BundleDamagedError):
            engine.run("image", "rm", read_manifest(old).node_image, check=False, timeout=_REMOVE_S)
        shutil.rmtree(old, ignore_errors=True)
