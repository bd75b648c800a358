"""Mutants of the chart that the mesh is installed from, and removed by: an edited copy in its place."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from meshproof.model.errors import HarnessError
from meshproof.model.mutant import MutantKind
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground

__all__ = [
    "Edit",
    "Recharted",
    "after_cleanup",
    "after_prepare",
    "altered",
    "before_cleanup",
    "cut",
    "dropped",
    "swapped",
]

Edit = Callable[[Path], None]  # of a chart's folder

_SPOILER: Final = Path(__file__).with_name("spoiler.py")
_IMAGE: Final = "meshproof.dev/client:0.2.0"  # a Python, and nothing of the mesh
_DEPLOYMENT: Final = "templates/controller/deployment.yaml"
_JOB: Final = "templates/cleanup/job.yaml"
_CONTAINERS: Final = "      containers:\n"


@dataclass(frozen=True, kw_only=True)
class Recharted:
    """The mesh is installed from another chart: the one that stands, and whatever a check installs.

    ``anew``: the present one is removed first, as it cannot be upgraded to the other.
    """

    edits: tuple[Edit, ...]
    anew: bool = False
    kind: MutantKind = MutantKind.INSTALL

    @contextmanager
    def applied(self, ground: Ground) -> Iterator[None]:
        """The mesh that stands as the block begins is of the edited chart; ``standing`` ends that."""
        if ground.origin is None:
            raise HarnessError(
                where="the chart",
                problem="this session installs from the user's own files, which are not to be changed",
                remedy="apply the mutant under a profile whose checks install the mesh: lifecycle, kubedns",
            )
        if self.anew:
            ground.mesh.uninstall()
        with altered(ground.origin.chart, self.edits):
            ground.mesh.install()
            yield


@contextmanager
def altered(chart: Path, edits: Sequence[Edit]) -> Iterator[None]:
    """A chart's folder is edited inside the block, and as it was after it."""
    with TemporaryDirectory(prefix="meshproof-chart-") as folder:
        kept = shutil.copytree(chart, Path(folder) / "kept")
        try:
            for edit in edits:
                edit(chart)
            yield
        finally:
            shutil.rmtree(chart)
            shutil.copytree(kept, chart)


def swapped(file: str, old: str, new: str) -> Edit:
    """Put a text in the place of the only other one in a file. Raises NothingChangedError where it is not."""

    def edit(chart: Path) -> None:
        path = chart / file
        text = path.read_text() if path.exists() else ""
        if text.count(old) != 1 or old == new:
            raise NothingChangedError(f"{path}: {old.strip()}")
        path.write_text(text.replace(old, new))

    return edit


def cut(file: str, start: str, end: str) -> Edit:
    """Take away what begins with one text and goes on to another. Raises NothingChangedError without them."""

    def edit(chart: Path) -> None:
        path = chart / file
        text = path.read_text() if path.exists() else ""
        first, last = text.find(start), text.find(end)
        if not 0 <= first < last:
            raise NothingChangedError(f"{path}: {start.strip()}")
        path.write_text(text[:first] + text[last:])

    return edit


def dropped(file: str) -> Edit:
    """Take a file away. Raises NothingChangedError where there is none."""

    def edit(chart: Path) -> None:
        path = chart / file
        if not path.is_file():
            raise NothingChangedError(str(path))
        path.unlink()

    return edit


def after_prepare(name: str) -> Edit:
    """Prepare runs, then the spoiler does what the mutant of this name does; the controller comes after."""
    return _with_spoiler(swapped(_DEPLOYMENT, _CONTAINERS, f"{_step(name)}{_CONTAINERS}"))


def before_cleanup(name: str) -> Edit:
    """The spoiler runs, and then the cleanup."""
    return _with_spoiler(swapped(_JOB, _CONTAINERS, f"      initContainers:\n{_step(name)}{_CONTAINERS}"))


def after_cleanup(name: str) -> Edit:
    """The cleanup runs, and then the spoiler."""
    first = swapped(_JOB, _CONTAINERS, "      initContainers:\n")

    def edit(chart: Path) -> None:
        first(chart)
        with (chart / _JOB).open("a") as file:
            file.write(f"{_CONTAINERS}{_step(name)}")

    return _with_spoiler(edit)


def _with_spoiler(edit: Edit) -> Edit:
    def both(chart: Path) -> None:
        edit(chart)
        shutil.copy(_SPOILER, chart)

    return both


def _step(name: str) -> str:
    """A container of a template's pod."""
    return f"""\
        - name: {{{{ .Release.Name }}}}-spoiler
          image: {_IMAGE}
          imagePullPolicy: Never
          command: [python3, -c, {{{{ .Files.Get "{_SPOILER.name}" | toJson }}}}, {name}]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
"""
