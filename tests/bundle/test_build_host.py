"""A host that cannot build, by its disk or its mirrors, is told so with the remedy."""

from pathlib import Path

import pytest

from meshproof.bundle import (
    DiskFullError,
    userland,
)
from meshproof.bundle import build as building
from meshproof.model.errors import BadInputError
from tests.bundle.builder import Builder, compiled
from tests.bundle.stand_ins import Tools


@pytest.mark.parametrize("tool", ["podman", "go", "mmdebstrap"])
def test_a_full_disk_is_named_with_the_remedy(builder: Builder, tools: Tools, tool: str) -> None:
    words = {"podman": "build", "go": "build", "mmdebstrap": "rootfs"}[tool]
    tools.fail(tool, words, "write: no space left on device")

    with pytest.raises(DiskFullError, match=r"ran full during the build; .* GB are free") as full:
        builder()

    assert "MESHPROOF_CACHE" in full.value.remedy
    assert "no space left on device" in full.value.evidence


def test_a_disk_that_is_full_for_python_is_named_too(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "_publish", full)

    with pytest.raises(DiskFullError):
        builder()


def test_another_fault_of_the_system_is_not_called_a_full_disk(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(building, "_publish", refuse)

    with pytest.raises(PermissionError):
        builder()


def test_too_little_disk_is_refused_before_anything_starts(
    builder: Builder, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "COLD_BYTES", 1 << 60)

    with pytest.raises(DiskFullError, match="the build needs"):
        builder()

    assert compiled(tools) == []


@pytest.fixture
def without_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: Tools) -> None:
    """A machine whose apt sources are not Debian's."""
    assert tools.called == []
    monkeypatch.delenv("MESHPROOF_DEBIAN_MIRROR")
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/sources.list").write_text("deb http://a.example/ubuntu noble main\n", encoding="utf-8")
    monkeypatch.setattr(userland, "_APT", tmp_path / "apt")


@pytest.mark.usefixtures("without_mirror")
def test_no_debian_mirror_is_refused_before_anything_starts(builder: Builder, tools: Tools) -> None:
    with pytest.raises(BadInputError, match="names no Debian mirror; set MESHPROOF_DEBIAN_MIRROR to"):
        builder()

    assert tools.called == []


def test_no_debian_mirror_is_needed_where_every_userland_is_made(
    builder: Builder, tools: Tools, request: pytest.FixtureRequest
) -> None:
    builder()
    (builder.lock.parent / "images/echo/main.go").write_text("package main // other\n", encoding="utf-8")
    tools.mend()
    request.getfixturevalue("without_mirror")

    builder()

    assert compiled(tools) == ["."]
