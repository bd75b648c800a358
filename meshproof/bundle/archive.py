"""Docker archives (what ``save`` writes): the image's id in them, and the references that they carry."""

import io
import json
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from meshproof.model.errors import HarnessError

__all__ = ["image_id_of", "with_references"]

_MANIFEST: Final = "manifest.json"
# What else tells an importer the references: Docker writes an OCI layout around its archive since version 25.
_NAMING: Final = frozenset({_MANIFEST, "repositories", "index.json", "oci-layout"})


def image_id_of(archive: Path) -> str:
    """The id of the one image in a docker-archive: ``sha256:`` of its configuration. Raises HarnessError."""
    with tarfile.open(archive, "r:") as tar:
        return _image_id(_manifest(tar, archive), archive)


def with_references(source: Path, target: Path, references: Sequence[str]) -> str:
    """Copy a docker-archive under other references, without times and owners; return the image's id.

    The engine never holds these references: an image of the user's under the same name stays as it is.
    """
    with tarfile.open(source, "r:") as tar, tarfile.open(target, "w:", format=tarfile.PAX_FORMAT) as out:
        manifest = _manifest(tar, source)
        found = _image_id(manifest, source)
        manifest[0]["RepoTags"] = list(references)
        for member in tar:
            if member.name in _NAMING:
                continue
            member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
            out.addfile(member, tar.extractfile(member) if member.isfile() else None)
        content = json.dumps(manifest, separators=(",", ":")).encode()
        entry = tarfile.TarInfo(_MANIFEST)
        entry.size = len(content)
        out.addfile(entry, io.BytesIO(content))
    return found


def _manifest(tar: tarfile.TarFile, archive: Path) -> list[dict[str, Any]]:
    try:
        stream = tar.extractfile(_MANIFEST)
    except KeyError:
        stream = None
    if stream is None:
        raise _unusable(archive, "no manifest.json in it")
    manifest: list[dict[str, Any]] = json.load(stream)
    return manifest


def _image_id(manifest: list[dict[str, Any]], archive: Path) -> str:
    # Docker's and podman's form is `<hex>.json`; Docker's since version 25 is `blobs/sha256/<hex>`.
    matched = re.search(r"([0-9a-f]{64})(?:\.json)?$", manifest[0]["Config"]) if len(manifest) == 1 else None
    if not matched:
        raise _unusable(archive, "not an archive of one image")
    return f"sha256:{matched[1]}"


def _unusable(archive: Path, problem: str) -> HarnessError:
    return HarnessError(where=str(archive), problem=problem, remedy="build the image again")
