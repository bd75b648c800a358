"""Debian root filesystems by mmdebstrap and wheels by pip, from wherever this machine gets its packages."""

import os
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from meshproof.bundle.lock import Python, Userland
from meshproof.engine.process import run
from meshproof.model.errors import BadInputError

__all__ = [
    "bootstrap_arguments",
    "debian_sources",
    "machine_apt_options",
    "machine_sources",
    "pack",
    "pip_arguments",
]

MIRROR_VARIABLE: Final = "MESHPROOF_DEBIAN_MIRROR"
_APT: Final = Path("/etc/apt")
_CODENAMES: Final = "bullseye|bookworm|trixie|forky|duke|sid|oldstable|stable|testing|unstable"
_SUITE: Final = re.compile(rf"(?:{_CODENAMES})(-updates|-security)?/?$")
# Documentation and translations: 150 MB that no container reads.
_LEFT_OUT: Final = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_APT_OPTIONS: Final = re.compile(
    r'^(Acquire::(?:https?::[\w:.-]+|Check-Valid-Until|Check-Date|Retries|Queue-Mode) "[^"]+");$',
    re.MULTILINE,
)


def machine_sources(release: str) -> list[str]:
    """The ``deb`` lines for ``release``: this machine's own mirrors, or MESHPROOF_DEBIAN_MIRROR.

    Raises BadInputError where neither names a Debian mirror.
    """
    if mirror := os.environ.get(MIRROR_VARIABLE):
        return [f"deb {mirror} {release} main"]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in _source_files(_APT)]
    if found := debian_sources(texts, release):
        return found
    raise BadInputError(
        where=f"{_APT}/sources.list*",
        problem="names no Debian mirror",
        remedy=f"set {MIRROR_VARIABLE} to the URL of one (what stands before the release in a 'deb' line)",
    )


def _source_files(apt: Path) -> list[Path]:
    folder = apt / "sources.list.d"
    files = [apt / "sources.list", *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [path for path in files if path.is_file()]


def debian_sources(texts: Iterable[str], release: str) -> list[str]:
    """``deb`` lines for ``release`` from the contents of apt's source files, both styles, without doubles."""
    lines: dict[str, None] = {}
    for text in texts:
        for uri, suite, components in [*_one_line_entries(text), *_deb822_entries(text)]:
            matched = _SUITE.match(suite)
            if matched and "main" in components:
                lines[f"deb {uri} {release}{matched[1] or ''} main"] = None
    # The release itself comes first; its updates mean nothing without it.
    ordered = sorted(lines, key=lambda line: f" {release} main" not in line)
    return ordered if ordered and f" {release} main" in ordered[0] else []


def _one_line_entries(text: str) -> list[tuple[str, str, list[str]]]:
    pattern = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+://\S+)\s+(\S+)\s+([^#\n]+)", re.MULTILINE)
    return [(uri, suite, components.split()) for uri, suite, components in pattern.findall(text)]


def _deb822_entries(text: str) -> list[tuple[str, str, list[str]]]:
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"}:
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        components = fields.get("components", "").split()
        uris, suites = fields.get("uris", "").split(), fields.get("suites", "").split()
        found += [(uri, suite, components) for uri in uris for suite in suites]
    return found


def machine_apt_options() -> list[str]:
    """Proxies, retries and date checks of this machine's apt, which mmdebstrap does not read."""
    dumped = run(["apt-config", "dump", "Acquire"], timeout=60.0).stdout
    return _APT_OPTIONS.findall(dumped)


def bootstrap_arguments(
    userland: Userland,
    *,
    release: str,
    sources: Sequence[str],
    options: Sequence[str],
    recipes: Path,
    output: Path,
) -> list[str | Path]:
    """Give mmdebstrap's command: ``output/rootfs.tar`` and beside it what the hooks collect."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(userland.packages)}",
        *[f"--aptopt={option}" for option in options],
        *[f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT],
        *[f"--customize-hook={recipes / hook}" for hook in userland.hooks],
        *[f"--customize-hook=download /tmp/{name} {output / name}" for name in userland.collects],
        release,
        output / "rootfs.tar",
        *sources,
    ]


def pip_arguments(python: Python, *, recipes: Path, output: Path) -> list[str | Path]:
    """Give pip's command: wheels only, for the Python of the image, each one's hash checked."""
    return [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        output,
        "--python-version",
        python.version,
        "--only-binary=:all:",
        "--no-deps",
        "--no-compile",
        "--require-hashes",
        "--requirement",
        recipes / python.requirements,
    ]


def pack(folder: Path, archive: Path) -> None:
    """Turn what pip installed into an archive of root's files without times, and remove the folder."""
    for script in (folder / "bin").glob("*"):
        first, _, rest = script.read_bytes().partition(b"\n")
        if first.startswith(b"#!"):  # pip wrote the path of the Python that it ran under
            script.write_bytes(b"#!/usr/bin/python3\n" + rest)

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "root", "root"
        return entry

    with tarfile.open(archive, "w:", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False, filter=plain)
    shutil.rmtree(folder)
