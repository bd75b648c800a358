"""A bundle as the rest of meshproof sees it: found for the lock, verified, its node image in the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshproof.bundle.digest import digest_of_files
from meshproof.bundle.errors import BundleDamagedError, BundleMissingError, Damage
from meshproof.bundle.lock import LOCK_PATH, load_lock, lock_key
from meshproof.bundle.manifest import Manifest, read_manifest
from meshproof.bundle.verified import begin_reading, note_verified, was_verified
from meshproof.engine.container import Engine
from meshproof.model.errors import BadInputError, HarnessError, nearest
from meshproof.paths import cache_root

__all__ = ["Bundle", "BundledImage", "bundle_root", "ensure_node_image", "open_bundle"]

_LOAD_S: Final = 600.0  # 1.2 GB take 15 s here


@dataclass(frozen=True, kw_only=True)
class BundledImage:
    """An image of the bundle.

    ``digest`` and ``image_id`` are both the digest of the image's configuration (``sha256:...``): what an
    engine calls its id, what a pod's status shows as ``imageID``, and the same after every export and import.
    (A manifest's digest is not: each importer writes its own.) ``size`` is the archive's, in bytes.
    """

    reference: str
    role: str
    digest: str
    image_id: str
    archive: Path
    size: int


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A verified bundle; ``digest`` is its identity in reports, ``node_image`` what kind is given."""

    digest: str
    root: Path
    images: Mapping[str, BundledImage]
    node_image: str
    kind: Path
    helm: Path
    kubectl: Path
    echo: Path
    versions: Mapping[str, str]

    def image(self, role: str) -> BundledImage:
        """The image with this role. Raises BadInputError, with the nearest one, where there is none."""
        by_role = {image.role: image for image in self.images.values()}
        if role not in by_role:
            raise BadInputError(
                where=str(self.root),
                problem=f"no image has the role {role!r}",
                remedy=nearest(role, list(by_role)),
            )
        return by_role[role]


def bundle_root(cache: Path, key: str) -> Path:
    """Where the bundle with this key is, or would be."""
    return cache / "bundle" / key[:12]


def open_bundle(cache: Path | None = None, *, lock: Path = LOCK_PATH, anew: bool = False) -> Bundle:
    """Find the bundle for the lock, verify every blob (SHA-256, in threads), and return it.

    One that was verified within a day, and no blob of it touched since, is not read again, unless ``anew``.
    Raises BadInputError for the lock, BundleMissingError, and BundleDamagedError, which names the blob.
    """
    load_lock(lock)
    root = bundle_root(cache or cache_root(), lock_key(lock))
    if not root.is_dir():
        raise BundleMissingError(root)
    manifest = read_manifest(root)
    if anew or not was_verified(root, manifest):
        _verify_and_note(root, manifest)
    return _opened(root, manifest)


def _verify_and_note(root: Path, manifest: Manifest) -> None:
    reading = begin_reading(root, manifest)
    if damages := verify(root, manifest):
        raise BundleDamagedError(root, damages)
    note_verified(root, manifest, reading)


def verify(root: Path, manifest: Manifest) -> list[Damage]:
    """Every blob that is missing, has another size, or other bytes than the manifest says."""
    damages = []
    whole = {}
    for blob in manifest.blobs:
        path = root / blob.path
        if not path.is_file():
            damages.append(Damage(blob=blob.path, what=blob.what, expected=blob.sha256, actual="no file"))
        elif (size := path.stat().st_size) != blob.size:
            damages.append(
                Damage(blob=blob.path, what=blob.what, expected=f"{blob.size} bytes", actual=f"{size} bytes")
            )
        else:
            whole[path] = blob
    digests = digest_of_files(whole)
    damages += [
        Damage(blob=blob.path, what=blob.what, expected=blob.sha256, actual=digests[path])
        for path, blob in whole.items()
        if digests[path] != blob.sha256
    ]
    return damages


def ensure_node_image(engine: Engine, bundle: Bundle) -> None:
    """Load the node image into the engine, unless it is there with the id that the bundle says."""
    node = bundle.image("node")
    if engine.image_id(bundle.node_image) == node.image_id:
        return
    engine.load(node.archive, timeout=_LOAD_S)
    if engine.image_id(bundle.node_image) is None:
        raise HarnessError(
            where=f"{engine.name}: {bundle.node_image}",
            problem=f"not there after {node.archive} was loaded",
            remedy="look at what else the engine holds, and at its disk",
        )


def _opened(root: Path, manifest: Manifest) -> Bundle:
    sizes = {blob.path: blob.size for blob in manifest.blobs}
    images = {
        entry.reference: BundledImage(
            reference=entry.reference,
            role=entry.role,
            digest=entry.image_id,
            image_id=entry.image_id,
            archive=root / entry.archive,
            size=sizes[entry.archive],
        )
        for entry in manifest.images
    }
    return Bundle(
        digest=manifest.digest(),
        root=root,
        images=images,
        node_image=manifest.node_image,
        kind=root / manifest.programs["kind"],
        helm=root / manifest.programs["helm"],
        kubectl=root / manifest.programs["kubectl"],
        echo=root / manifest.programs["echo"],
        versions=manifest.versions,
    )
