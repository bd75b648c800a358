"""A user's chart and values, looked at before helm sees them: what is wrong is said before anything changes.

Limits: a chart is text, some 100 KB of it; what is a thousand times larger is no chart.
"""

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from meshproof.mesh.strict_yaml import UnsafeYamlError, load_one
from meshproof.model.errors import BadInputError

__all__ = ["check_chart", "check_values", "copied", "merged"]

_PACKED_BYTES: Final = 10 * 2**20
_UNPACKED_BYTES: Final = 50 * 2**20
_MEMBERS: Final = 5_000
_VALUES_BYTES: Final = 2**20
_CHART_FILE: Final = "Chart.yaml"


def check_chart(path: Path) -> None:
    """Refuse what is no sound chart: a folder, or a ``.tgz`` of ``helm package``. Raises BadInputError."""
    if path.is_dir():
        _check_folder(path)
    elif path.is_file():
        _check_archive(path)
    else:
        raise _bad(path, "no such file or folder", "give --mesh-chart a chart's folder or its .tgz archive")


def copied(chart: Path, into: Path) -> Path:
    """A folder below ``into`` with the files of a chart that ``check_chart`` has found sound."""
    if chart.is_dir():
        return shutil.copytree(chart, into / "chart")
    with tarfile.open(fileobj=io.BytesIO(_unpacked(chart))) as archive:
        for member in archive:
            if (stream := archive.extractfile(member)) is not None:
                target = into / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(stream.read())
        return into / archive.getnames()[0].split("/")[0]


def check_values(path: Path) -> dict[str, Any]:
    """The values of a file. Raises BadInputError when it is not there or is not one YAML mapping."""
    try:
        if path.stat().st_size > _VALUES_BYTES:
            raise _bad(path, f"larger than {_VALUES_BYTES} bytes", "give --mesh-values a Helm values file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, f"cannot be read: {error}", "give --mesh-values a readable YAML file") from error
    return _mapping(path, text) if text.strip() else {}


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below`` as helm does it: mappings key by key, everything else replaced whole."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        result[key] = merged(under, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return result


def _check_folder(path: Path) -> None:
    chart = path / _CHART_FILE
    if not chart.is_file():
        raise _bad(chart, "no such file", "name the folder that Chart.yaml is in")
    for each in sorted(path.rglob("*")):
        if each.is_symlink() and not each.resolve().is_relative_to(path.resolve()):
            raise _bad(each, "a link out of the chart", "put a copy in its place")
    vendored = {each.name for each in (path / "charts").glob("*")} if (path / "charts").is_dir() else set()
    _check_description(chart, chart.read_text(encoding="utf-8", errors="replace"), vendored)


def _check_archive(path: Path) -> None:
    texts: dict[str, str] = {}
    names: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(_unpacked(path))) as archive:
            for member in archive:
                _check_member(path, member, names)
                names.add(member.name)
                if member.isfile() and member.name.count("/") == 1 and member.name.endswith(_CHART_FILE):
                    stream = archive.extractfile(member)
                    texts[member.name] = stream.read().decode(errors="replace") if stream else ""
    except tarfile.TarError as error:
        raise _bad(
            path, f"no sound archive: {error}", "make it with helm package, or fetch it again"
        ) from error
    roots = {name.split("/")[0] for name in names}
    if len(roots) != 1 or f"{next(iter(roots))}/{_CHART_FILE}" not in texts:
        found = ", ".join(sorted(roots)[:5]) or "nothing"
        raise _bad(
            path, f"one folder with a Chart.yaml expected at its top, found: {found}", "use helm package"
        )
    root = roots.pop()
    vendored = {name.split("/")[2] for name in names if name.startswith(f"{root}/charts/")}
    _check_description(path / root / _CHART_FILE, texts[f"{root}/{_CHART_FILE}"], vendored)


def _unpacked(path: Path) -> bytes:
    """The archive without its compression; stops at the limit, so that a bomb stays small."""
    if path.stat().st_size > _PACKED_BYTES:
        raise _bad(path, f"larger than {_PACKED_BYTES} bytes", "give --mesh-chart a chart archive")
    try:
        with gzip.open(path) as stream:
            data = stream.read(_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(
            path, f"no sound gzip file: {error}", "fetch the archive again, or use helm package"
        ) from error
    if len(data) > _UNPACKED_BYTES:
        raise _bad(
            path, f"more than {_UNPACKED_BYTES} bytes when unpacked", "give --mesh-chart a chart archive"
        )
    return data


def _check_member(path: Path, member: tarfile.TarInfo, seen: set[str]) -> None:
    where = path / member.name.lstrip("/")
    name = PurePosixPath(member.name)
    remedy = "take the archive from a source that you trust, or make it anew with helm package"
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or ":" in name.parts[0]:
        raise _bad(where, f"its name leads out of the chart: {member.name!r}", remedy)
    if not (member.isfile() or member.isdir()):
        raise _bad(where, "a link or device; a chart has files and folders only", remedy)
    if member.isfile() and member.name in seen:
        raise _bad(where, "twice in the archive", remedy)
    if len(seen) >= _MEMBERS:
        raise _bad(path, f"more than {_MEMBERS} members", remedy)


def _check_description(where: Path, text: str, vendored: set[str]) -> None:
    chart = _mapping(where, text)
    name = chart.get("name")
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or name.startswith("."):
        raise _bad(where, f"name: got {name!r}, expected a plain word", "correct the chart's name")
    if chart.get("apiVersion") not in {"v1", "v2"}:
        raise _bad(
            where, f"apiVersion: got {chart.get('apiVersion')!r}, expected v1 or v2", "use a Helm chart"
        )
    if chart.get("type") == "library":
        raise _bad(where, "type: got 'library', expected an application", "name the chart that uses it")
    for each in chart.get("dependencies") or []:
        wanted = str(each.get("name")) if isinstance(each, Mapping) else repr(each)
        if not any(name == wanted or name.startswith(f"{wanted}-") for name in vendored):
            raise _bad(
                where,
                f"dependency {wanted} is not in charts/",
                "run helm dependency build where there is a network",
            )


def _mapping(where: Path, text: str) -> dict[str, Any]:
    try:
        parsed = load_one(text)
    except (yaml.YAMLError, UnsafeYamlError) as error:
        raise _bad(where, f"no plain YAML: {error}", "correct it; only plain YAML values are read") from error
    if not isinstance(parsed, dict):
        raise _bad(where, f"got {type(parsed).__name__}, expected a mapping", "correct it")
    return parsed


def _bad(where: Path, problem: str, remedy: str) -> BadInputError:
    return BadInputError(where=str(where), problem=problem, remedy=remedy)
