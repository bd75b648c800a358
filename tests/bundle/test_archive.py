"""Archives carry the references of the lock, and tell the image's id whichever engine wrote them."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from meshproof.bundle.archive import image_id_of, with_references
from meshproof.model.errors import HarnessError

ID = "ab" * 32


def archive(path: Path, manifest: object | None, layer: bytes = b"layer") -> Path:
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("blobs")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        files = {"repositories": b"{}", "index.json": b"{}", "oci-layout": b"{}", "layer.tar": layer}
        if manifest is not None:
            files["manifest.json"] = json.dumps(manifest).encode()
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.uname = len(content), 99, "me"
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("config", [f"{ID}.json", f"blobs/sha256/{ID}"])
def test_the_id_is_the_digest_of_the_configuration(tmp_path: Path, config: str) -> None:
    path = archive(tmp_path / "a.tar", [{"Config": config, "RepoTags": ["a:1"], "Layers": []}])

    assert image_id_of(path) == f"sha256:{ID}"


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        pytest.param(None, "no manifest.json in it", id="none"),
        pytest.param([], "not an archive of one image", id="empty"),
        pytest.param([{"Config": "x"}], "not an archive of one image", id="no-digest"),
        pytest.param([{"Config": f"{ID}.json"}] * 2, "not an archive of one image", id="two"),
    ],
)
def test_what_is_no_archive_of_one_image_is_refused(tmp_path: Path, manifest: object, problem: str) -> None:
    path = archive(tmp_path / "a.tar", manifest)

    with pytest.raises(HarnessError, match=problem):
        image_id_of(path)


def test_references_are_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    manifest = [{"Config": f"{ID}.json", "RepoTags": ["localhost/build:1"], "Layers": ["layer.tar"]}]
    source = archive(tmp_path / "a.tar", manifest)

    found = with_references(source, tmp_path / "b.tar", ["docker.io/library/traefik:v2.11.14"])

    assert found == f"sha256:{ID}"
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert tar.getnames() == ["blobs", "layer.tar", "manifest.json"]
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        assert json.load(stream) == [{**manifest[0], "RepoTags": ["docker.io/library/traefik:v2.11.14"]}]
        assert {(entry.mtime, entry.uname) for entry in tar} == {(0, "")}
