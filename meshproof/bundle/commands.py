"""``meshproof bundle``: build, verify, list and clean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from meshproof.bundle.build import build_bundle, present_bundle
from meshproof.bundle.cleaning import clean as clean_cache
from meshproof.bundle.opened import BundledImage, open_bundle
from meshproof.engine.container import Engine
from meshproof.engine.find import find_engine
from meshproof.engine.finding import Purpose
from meshproof.engine.host import read_host
from meshproof.engine.mend import prepare_host
from meshproof.engine.process import terminate_all
from meshproof.engine.progress import Steps
from meshproof.model.errors import MeshproofError
from meshproof.paths import cache_root

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The offline bundle: every image and program that a run needs, built from package registries.\n\n"
    "`bundle/images.toml` is the lock: it says what is in the bundle and what pins it. The bundle is kept"
    " in the cache (MESHPROOF_CACHE, else ~/.cache/meshproof) under the lock's key: a change of any recipe"
    " makes another bundle, and rebuilds only what depends on it.\n\n"
    "Go's modules, Debian's and Python's packages come from wherever this machine gets them; no image"
    " registry is asked. After the build a run needs no network at all.",
)


@app.command()
def build(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Build what is damaged again, where it would be refused.")
    ] = False,
) -> None:
    """Build the bundle, or find it whole and do nothing (under 2 s).

    A first build takes up to 20 minutes on 2 cores and 22 GB of disk. It can be interrupted: finished steps
    are kept, and the next build goes on from there. Logs are in the cache's folder `log`.

    Debian's packages come from the mirrors in this machine's apt sources. Where those are not Debian's (on
    Ubuntu, for one), set MESHPROOF_DEBIAN_MIRROR to the URL of a Debian mirror: what stands before the
    release in a `deb` line.

    Exit code 0: the bundle is there and verified. 4: this machine cannot build, or the bundle is damaged and
    `--repair` was not given. 6: a step failed.
    """
    cache = cache_root()
    with Steps() as steps:
        bundle = present_bundle(cache, repair=repair)
        if bundle is None:
            engine = prepare_host(Purpose.BUILD, cache, say=steps.note)
            try:
                bundle = build_bundle(engine, steps, cache=cache, repair=repair)
            except BaseException:
                terminate_all()
                raise
    typer.echo(f"{bundle.root}: {len(bundle.images)} images, verified, {bundle.digest}")


@app.command()
def verify() -> None:
    """Check every blob of the bundle against its digest.

    Names each blob that is missing, truncated or changed, with both digests. A run does this first, unless it
    was done within a day and no blob was touched since: this command reads all of them, for a disk that is
    doubted.

    Exit code 0: whole. 4: missing or damaged.
    """
    bundle = open_bundle(anew=True)
    typer.echo(f"{bundle.root}: whole, {bundle.digest}")


@app.command(name="list")
def list_images() -> None:
    """Show what is in the bundle: every image with its role, size and digest, and the parts' versions."""
    bundle = open_bundle()
    console = Console()
    console.print(_table(list(bundle.images.values())))
    versions = "  ".join(f"{name} {version}" for name, version in bundle.versions.items())
    console.print(versions, highlight=False)
    console.print(f"{bundle.root}  {bundle.digest}", highlight=False, soft_wrap=True)


@app.command()
def clean() -> None:
    """Give the disk back: the bundle, Go's caches, finished steps, and our nodes and images in the engine.

    Clusters that were kept go first: their nodes use our image. What another container uses stays. A folder
    of yours that MESHPROOF_CACHE points to is not removed, only what meshproof made in it; two empty lock
    files stay. Without an engine, what it holds stays, and a line says so.

    Exit code 4: a build or a run is at work.
    """
    cache = cache_root()
    freed = clean_cache(_engine(cache), cache)
    typer.echo(f"{cache}: {freed / 1e9:.1f} GB given back")


def _engine(cache: Path) -> Engine | None:
    """The engine, however little this host may be ready for a run; without one, say so and go on."""
    try:
        return find_engine(read_host(cache), cache)
    except MeshproofError as error:
        typer.echo(f"nodes and images stay, no engine to ask: {error.where}: {error.problem}")
        return None


def _table(images: Sequence[BundledImage]) -> Table:
    table = Table("role", "reference", "MB", "digest", box=None, pad_edge=False)
    for image in sorted(images, key=lambda image: image.role):
        table.add_row(image.role, image.reference, f"{image.size / 1e6:.0f}", image.digest[7:19])
    return table
