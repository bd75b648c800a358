"""The lock ``bundle/images.toml``: what the bundle is made of. Parsed strictly, refused whole."""

import platform
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from meshproof.bundle.digest import digest_of_tree, digest_of_value
from meshproof.model.errors import BadInputError, nearest
from meshproof.paths import PROJECT_ROOT, recipes_root

__all__ = [
    "LOCK_PATH",
    "Component",
    "Image",
    "Lock",
    "Program",
    "Python",
    "Userland",
    "load_lock",
    "lock_key",
]

LOCK_PATH: Final = recipes_root() / "images.toml"
SCHEMA_VERSION: Final = 1

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Text = Annotated[str, msgspec.Meta(min_length=1)]
# registry host / path : tag. No digest: an image that is built has none before it is built.
Reference = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+:[A-Za-z0-9_][\w.-]*$")
]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Debian(_Row, frozen=True):
    """The Debian release of every userland."""

    release: Name


class Component(_Row, frozen=True):
    """One Go module tree in ``folder``; ``stamp`` sets string variables at link time (``-X``)."""

    name: Name
    folder: Text
    version: Text
    module: str = ""
    stamp: dict[str, str] = {}


class Program(_Row, frozen=True):
    """A binary of a component; with ``host`` it is also put beside the images, to be run on this machine."""

    name: Name
    component: Name
    package: Text
    host: bool = False


class Userland(_Row, frozen=True):
    """A Debian root filesystem; ``hooks`` get its path, ``collects`` is what they leave in its /tmp."""

    name: Name
    packages: list[Name]
    hooks: list[str] = []
    collects: list[str] = []


class Python(_Row, frozen=True):
    """Wheels pinned by hash in ``requirements``, for the Python ``version`` of the image that gets them."""

    name: Name
    requirements: Text
    version: Annotated[str, msgspec.Meta(pattern=r"^3\.[0-9]+$")]


class Image(_Row, frozen=True):
    """An image by the ``reference`` that manifests use; ``recipe`` holds its Containerfile.

    ``load`` says when a cluster gets it: with its nodes, or when somebody asks for it.
    """

    reference: Reference
    role: Name
    source: Literal["built"]
    recipe: Text
    load: Literal["node", "on-demand"] = "node"
    programs: list[Name] = []
    archives: list[str] = []


class Lock(_Row, frozen=True):
    """The whole lock."""

    schema_version: int
    debian: Debian
    component: list[Component]
    program: list[Program]
    userland: list[Userland]
    python: list[Python]
    image: list[Image]

    def versions(self) -> dict[str, str]:
        """Version by component."""
        return {each.name: each.version for each in self.component}

    def keeps_rootfs(self, userland: str) -> bool:
        """Whether an image takes the userland's whole root filesystem."""
        return any(f"{userland}/rootfs" in image.archives for image in self.image)

    def programs_of(self, component: str) -> list[Program]:
        """The programs that one ``go build`` makes."""
        return [each for each in self.program if each.component == component]


def load_lock(path: Path = LOCK_PATH) -> Lock:
    """Parse and check the lock. Raises BadInputError: ``path/table[i].field: got X, expected Y; do Z``."""
    where = _shown(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(where=where, problem="no such file", remedy="run from a whole checkout") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(where=where, problem=f"not TOML: {error}", remedy="mend that line") from None
    if (version := raw.get("schema_version")) != SCHEMA_VERSION:
        raise BadInputError(
            where=f"{where}/schema_version",
            problem=f"got {version!r}, expected {SCHEMA_VERSION}",
            remedy="use the meshproof that this lock was written for",
        )
    try:
        lock = msgspec.convert(raw, Lock)
    except msgspec.ValidationError as error:
        raise _refusal(where, raw, str(error)) from None
    _check(lock, where, path.parent)
    return lock


def lock_key(path: Path = LOCK_PATH) -> str:
    """The bundle's key, 64 hex digits: the lock, every recipe beside it, and this machine's architecture."""
    return digest_of_value({"recipes": digest_of_tree(path.parent), "machine": platform.machine()})[7:]


def _shown(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT).as_posix() if path.is_relative_to(PROJECT_ROOT) else str(path)


def _refusal(where: str, raw: object, message: str) -> BadInputError:
    """Turn ``Expected `str`, got `int` - at `$.image[3].role``` into our words, with the value."""
    what, _, at = message.partition(" - at `$")
    at = at.rstrip("`").lstrip(".")
    got = raw
    for name, index in re.findall(r"([\w-]+)|\[(\d+)\]", at):
        try:
            got = got[int(index)] if index else got[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            got = None
    shown = f"got {got!r}, " if not isinstance(got, dict | list) and got is not None else ""
    expected = what[0].lower() + what[1:].split(", got")[0].replace("`", "")
    return BadInputError(
        where=f"{where}/{at}" if at else where,
        problem=f"{shown}{expected}",
        remedy="mend that field; the tables are described at the top of the file",
    )


def _check(lock: Lock, where: str, root: Path) -> None:
    """What the types cannot say: names are unique, and everything that is named is there."""
    _unique(f"{where}/component", "name", [each.name for each in lock.component])
    _unique(f"{where}/program", "name", [each.name for each in lock.program])
    _unique(f"{where}/userland", "name", [each.name for each in lock.userland])
    _unique(f"{where}/python", "name", [each.name for each in lock.python])
    _unique(f"{where}/image", "reference", [each.reference for each in lock.image])
    _unique(f"{where}/image", "role", [each.role for each in lock.image])
    components = [each.name for each in lock.component]
    programs = [each.name for each in lock.program]
    archives = [f"{u.name}/{Path(a).stem}" for u in lock.userland for a in ["rootfs", *u.collects]]
    archives += [f"{each.name}/python" for each in lock.python]
    for i, program in enumerate(lock.program):
        _known(f"{where}/program[{i}].component", [program.component], components)
    for i, image in enumerate(lock.image):
        _known(f"{where}/image[{i}].programs", image.programs, programs)
        _known(f"{where}/image[{i}].archives", image.archives, archives)
        _there(f"{where}/image[{i}].recipe", root, f"{image.recipe}/Containerfile")
    for i, userland in enumerate(lock.userland):
        for hook in userland.hooks:
            _there(f"{where}/userland[{i}].hooks", root, hook)
        _plain(f"{where}/userland[{i}].collects", userland.collects)
    for i, python in enumerate(lock.python):
        _there(f"{where}/python[{i}].requirements", root, python.requirements)
    for i, component in enumerate(lock.component):
        _there(f"{where}/component[{i}].folder", root, f"{component.folder}/go.mod")
        _pinned(f"{where}/component[{i}].version", root, component)
    if "node" not in {each.role for each in lock.image}:
        raise BadInputError(
            where=f"{where}/image", problem="no image has the role 'node'", remedy="add its row"
        )


def _unique(where: str, field: str, values: list[str]) -> None:
    first: dict[str, int] = {}
    for i, value in enumerate(values):
        if value in first:
            raise BadInputError(
                where=f"{where}[{i}].{field}",
                problem=f"got {value!r} again, expected one row for it (the first is [{first[value]}])",
                remedy="remove one of the two",
            )
        first[value] = i


def _known(where: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise BadInputError(
                where=where,
                problem=f"got {name!r}, expected a name from this file",
                remedy=nearest(name, known),
            )


def _there(where: str, root: Path, name: str) -> None:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise BadInputError(
            where=where, problem=f"got {name!r}, expected a path inside {root.name}/", remedy="move it there"
        )
    if not (root / name).is_file():
        raise BadInputError(
            where=where, problem=f"{root.name}/{name} is not there", remedy="add it or mend the name"
        )


def _plain(where: str, names: Iterable[str]) -> None:
    for name in names:
        if not re.fullmatch(r"[a-z0-9-]+\.tar", name):
            raise BadInputError(
                where=where,
                problem=f"got {name!r}, expected a plain name that ends in .tar",
                remedy="rename it",
            )


def _pinned(where: str, root: Path, component: Component) -> None:
    if not component.module:
        return
    required = _requirements((root / component.folder / "go.mod").read_text(encoding="utf-8"))
    if (got := required.get(component.module)) != component.version:
        raise BadInputError(
            where=where,
            problem=f"got {component.version!r}, expected what go.mod requires of {component.module}: {got}",
            remedy="change both together",
        )


def _requirements(go_mod: str) -> Mapping[str, str]:
    found: Callable[[str], list[tuple[str, str]]] = re.compile(
        r"^(?:require)?\s+([\w./~-]+) (v[\w.+-]+)(?: // indirect)?$", re.MULTILINE
    ).findall
    return dict(found(go_mod))
