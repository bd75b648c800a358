"""The bundle's own manifest: every blob with its digest, every image with its id. Written last."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import msgspec

from meshproof.bundle.digest import digest_of_value
from meshproof.bundle.errors import BundleDamagedError, Damage

__all__ = ["MANIFEST", "Blob", "ImageEntry", "Manifest", "read_manifest"]

MANIFEST: Final = "manifest.json"
SCHEMA_VERSION: Final = 1

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Blob(_Row, frozen=True):
    """A file of the bundle; ``size`` in bytes, ``what`` for people."""

    path: str
    what: str
    sha256: Sha256
    size: int


class ImageEntry(_Row, frozen=True):
    """An image of the bundle; ``image_id`` is the digest of its configuration, ``archive`` a blob's path."""

    reference: str
    role: str
    image_id: Sha256
    archive: str


class Manifest(_Row, frozen=True):
    """The whole manifest; ``tools`` are the versions of what built it."""

    schema_version: int
    key: str
    versions: dict[str, str]
    tools: dict[str, str]
    node_image: str
    programs: dict[str, str]
    images: list[ImageEntry]
    blobs: list[Blob]

    def digest(self) -> str:
        """``sha256:...`` of the canonical content: the bundle's identity."""
        return digest_of_value(msgspec.to_builtins(self))

    def encoded(self) -> bytes:
        """The file's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_manifest(root: Path) -> Manifest:
    """Read ``root/manifest.json``. Raises BundleDamagedError for one that cannot be trusted."""
    try:
        manifest = msgspec.json.decode((root / MANIFEST).read_bytes(), type=Manifest)
        _check(manifest)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        damage = Damage(
            blob=MANIFEST, what="manifest", expected="the manifest of a bundle", actual=str(error)
        )
        raise BundleDamagedError(root, [damage]) from None
    return manifest


def _check(manifest: Manifest) -> None:
    if manifest.schema_version != SCHEMA_VERSION:
        raise ValueError(f"schema_version {manifest.schema_version}, this meshproof reads {SCHEMA_VERSION}")
    paths = [blob.path for blob in manifest.blobs]
    for path in paths:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"blob {path!r} lies outside the bundle")
    for named in [*manifest.programs.values(), *(image.archive for image in manifest.images)]:
        if named not in paths:
            raise ValueError(f"{named!r} is not among the blobs")
