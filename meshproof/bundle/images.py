"""Images: a Containerfile over programs and archives of the bundle, built by the engine, kept as a file."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from meshproof.bundle.archive import with_references
from meshproof.bundle.store import place
from meshproof.engine.container import Engine

__all__ = ["ARCHIVE", "ImageInputs", "build_image", "docker_format"]

ARCHIVE: Final = "image.tar"
_BUILD_S: Final = 900.0  # the node's 800 MB take 20 s here
_SAVE_S: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """What a build context is made of; ``files`` are put at their names inside it."""

    recipe: Path
    files: Mapping[str, Path]
    texts: Mapping[str, str]


def docker_format(engine: Engine) -> Engine:
    """The engine, told to build Docker's image format in one layer.

    podman's own format changes its id on the way through an archive; layers of single instructions stay
    behind, unlabelled, when the image is removed.
    """
    return replace(engine, env={**engine.env, "BUILDAH_FORMAT": "docker", "BUILDAH_LAYERS": "false"})


def build_image(
    engine: Engine,
    inputs: ImageInputs,
    *,
    tag: str,
    references: list[str],
    folder: Path,
    log: Path,
    keep: bool,
) -> str:
    """Build into ``folder/image.tar`` under ``references``; return the image's id.

    ``keep`` leaves it in the engine, under ``tag``.
    """
    context = folder / "context"
    shutil.copytree(inputs.recipe, context, symlinks=True)
    for name, source in inputs.files.items():
        place(source, context / name)
    for name, text in inputs.texts.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(text, encoding="utf-8")
    saved = folder / "saved.tar"
    try:
        docker_format(engine).build(
            context, tag=tag, containerfile=context / "Containerfile", timeout=_BUILD_S, log=log
        )
        engine.save([tag], saved, timeout=_SAVE_S)
        return with_references(saved, folder / ARCHIVE, references)
    finally:
        shutil.rmtree(context)
        saved.unlink(missing_ok=True)
        if not keep:
            engine.run("image", "rm", "--force", tag, check=False, timeout=_SAVE_S)
