"""Debian and Python packages come from wherever the machine gets its own."""

import sys
import tarfile
from pathlib import Path

import pytest

from meshproof.bundle import userland
from meshproof.bundle.lock import Python, Userland
from meshproof.bundle.userland import (
    bootstrap_arguments,
    debian_sources,
    machine_apt_options,
    machine_sources,
    pack,
    pip_arguments,
)
from meshproof.engine.process import Completed
from meshproof.model.errors import BadInputError

DEB822 = """\
# Modernised
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 /usr/share/keyrings/one.gpg
# a comment between
 more

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # here
deb-src http://mirror.example/debian bookworm main
deb http://cloud.example/apt cloud-sdk-bookworm main
deb http://vendor.example/linux/debian bookworm stable
"""


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        pytest.param(
            [DEB822],
            [
                "deb http://mirror.example/debian trixie main",
                "deb http://mirror.example/debian trixie-updates main",
                "deb http://mirror.example/debian-security trixie-security main",
            ],
            id="deb822",
        ),
        pytest.param([ONE_LINE], ["deb http://mirror.example/debian trixie main"], id="one-line"),
        pytest.param(
            ["", ONE_LINE, ONE_LINE], ["deb http://mirror.example/debian trixie main"], id="doubles"
        ),
        pytest.param(
            ["deb http://a/debian stable-updates main\ndeb http://a/debian stable main\n"],
            ["deb http://a/debian trixie main", "deb http://a/debian trixie-updates main"],
            id="release-first",
        ),
        pytest.param(["deb http://a/ubuntu noble main\n"], [], id="another-distribution"),
        pytest.param(["deb http://a/debian-security stable-security main\n"], [], id="updates-alone"),
    ],
)
def test_the_release_comes_from_the_mirrors_that_apt_uses(texts: list[str], lines: list[str]) -> None:
    assert debian_sources(texts, "trixie") == lines


def test_only_files_that_apt_reads_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822, encoding="utf-8")
    (tmp_path / "sources.list.d/old.list.save").write_text(
        "deb http://old/debian sid main\n", encoding="utf-8"
    )
    monkeypatch.setattr(userland, "_APT", tmp_path)
    monkeypatch.delenv("MESHPROOF_DEBIAN_MIRROR", raising=False)

    assert len(machine_sources("trixie")) == 3


def test_a_machine_without_debian_is_told_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userland, "_APT", tmp_path)
    monkeypatch.delenv("MESHPROOF_DEBIAN_MIRROR", raising=False)

    with pytest.raises(BadInputError, match="set MESHPROOF_DEBIAN_MIRROR"):
        machine_sources("trixie")


def test_a_mirror_that_was_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHPROOF_DEBIAN_MIRROR", "http://mine.example/debian")

    assert machine_sources("trixie") == ["deb http://mine.example/debian trixie main"]


def test_proxies_and_date_checks_of_the_machine_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    dumped = (
        'Acquire "";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Date "false";\n'
        'Acquire::Languages "de";\nAcquire::Retries "3";\n'
    )
    completed = Completed(argv=(), returncode=0, stdout=dumped, stderr="", seconds=0.0)
    monkeypatch.setattr(userland, "run", lambda _argv, **_options: completed)

    assert machine_apt_options() == [
        'Acquire::http::Proxy "http://proxy.example:3128"',
        'Acquire::Check-Date "false"',
        'Acquire::Retries "3"',
    ]


def test_the_command_of_mmdebstrap() -> None:
    row = Userland(name="node", packages=["systemd", "runc"], hooks=["node/hook"], collects=["extra.tar"])

    argv = bootstrap_arguments(
        row,
        release="trixie",
        sources=["deb http://a trixie main"],
        options=['Acquire::Retries "3"'],
        recipes=Path("/recipes"),
        output=Path("/out"),
    )

    assert argv[:4] == [
        "mmdebstrap", "--variant=minbase", "--include=systemd,runc", '--aptopt=Acquire::Retries "3"',
    ]  # fmt: skip
    assert argv[-5:] == [
        "--customize-hook=/recipes/node/hook",
        "--customize-hook=download /tmp/extra.tar /out/extra.tar",
        "trixie",
        Path("/out/rootfs.tar"),
        "deb http://a trixie main",
    ]


def test_the_command_of_pip() -> None:
    row = Python(name="client", requirements="client/requirements.txt", version="3.13")

    argv = pip_arguments(row, recipes=Path("/recipes"), output=Path("/out"))

    assert argv[:4] == [sys.executable, "-m", "pip", "install"]
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(argv)
    assert argv[argv.index("--python-version") + 1] == "3.13"
    assert argv[-1] == Path("/recipes/client/requirements.txt")


def test_what_pip_installed_is_packed_for_another_python(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "bin").mkdir(parents=True)
    (site / "bin/locust").write_bytes(b"#!/home/me/venv/bin/python\nimport locust\n")
    (site / "bin/data").write_bytes(b"\x7fELF")
    (site / "module.py").write_bytes(b"x = 1\n")

    pack(site, tmp_path / "python.tar")

    assert not site.exists()
    with tarfile.open(tmp_path / "python.tar") as tar:
        script = tar.extractfile("bin/locust")
        assert script is not None
        assert script.read() == b"#!/usr/bin/python3\nimport locust\n"
        assert {(entry.uid, entry.mtime, entry.uname) for entry in tar} == {(0, 0, "root")}
        assert tar.getnames() == ["bin", "bin/data", "bin/locust", "module.py"]
