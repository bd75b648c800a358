"""`matrix.toml` is read strictly, and refused with the nearest known word."""

import re

import pytest

from meshproof.catalogue import load_profiles
from meshproof.matrix.overlay import locked_versions
from meshproof.model.errors import BadInputError
from meshproof.model.matrix import Matrix, parse_matrix
from meshproof.paths import PROJECT_ROOT

LOCKED = {"mesh": "v1.4.8", "proxy": "v2.11.14", "kubernetes": "v1.34.4", "coredns": "v1.12.1"}
TEXT = """
schema_version = 1

[[version]]
part = "proxy"
version = "v2.11.0"
found = "2026-11-30"

[[cell]]
name = "locked"

[[cell]]
name = "traefik-2.11.0"
proxy = "v2.11.0"
profiles = ["plain", "acl"]
"""


def parsed(text: str) -> Matrix:
    """The matrix in ``text``."""
    return parse_matrix(text, where="matrix.toml", locked=LOCKED, profiles=["plain", "acl"])


def test_part_that_a_cell_does_not_name_is_the_locks() -> None:
    locked, other = parsed(TEXT).cell

    assert locked.versions(LOCKED) == LOCKED
    assert other.versions(LOCKED) == {**LOCKED, "proxy": "v2.11.0"}
    assert (locked.others(LOCKED), other.others(LOCKED)) == ({}, {"proxy": "v2.11.0"})
    assert (locked.profiles, other.profiles) == (("plain",), ("plain", "acl"))


def test_cell_may_name_the_locks_version() -> None:
    (cell,) = parsed('schema_version = 1\n[[cell]]\nname = "a"\nproxy = "v2.11.14"\n').cell

    assert not cell.others(LOCKED)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            'proxy = "v2',
            'proxi = "v2',
            "matrix.toml/cell*: Object contains unknown field 'proxi'; did you mean 'proxy'?",
            id="key",
        ),
        pytest.param(
            'found = "', 'fuond = "', "unknown field 'fuond'; did you mean 'found'?", id="version-key"
        ),
        pytest.param(
            '[[cell]]\nname = "locked"',
            '[[cel]]\nname = "locked"',
            "unknown field 'cel'; did you mean 'cell'?",
            id="table",
        ),
        pytest.param(
            'proxy = "v2.11.0"',
            'proxy = "v2.11.1"',
            "cell[1].proxy: got 'v2.11.1', which has no [[version]] row of proxy; did you mean 'v2.11.14'?",
            id="version",
        ),
        pytest.param(
            'proxy = "v2.11.0"',
            'coredns = "v2.11.0"',
            "got 'v2.11.0', which has no [[version]] row of coredns",
            id="other-part",
        ),
        pytest.param(
            'proxy = "v2.11.0"', 'proxy = "2.11.0"', "Expected `str` matching regex", id="no-version"
        ),
        pytest.param(
            'part = "proxy"',
            'part = "proxies"',
            "version[0].part: got 'proxies', no such part; did you mean 'proxy'?",
            id="part",
        ),
        pytest.param(
            '"plain", "acl"',
            '"plain", "alc"',
            "cell[1].profiles: got 'alc', no such profile; did you mean 'acl'?",
            id="profile",
        ),
        pytest.param('["plain", "acl"]', "[]", "cell[1].profiles: is empty", id="no-profile"),
        pytest.param('name = "traefik-2.11.0"', 'name = "locked"', "got 'locked' again", id="name-twice"),
        pytest.param(
            'proxy = "v2.11.0"', 'proxy = "v2.11.14"', "has the versions of cell 'locked'", id="twins"
        ),
        pytest.param(
            'version = "v2.11.0"\nfound',
            'version = "v2.11.14"\nfound',
            "proxy v2.11.14 is there already",
            id="locked-already",
        ),
        pytest.param(
            'name = "locked"', 'name = "../up"', "Expected `str` matching regex", id="name-with-a-path"
        ),
        pytest.param(
            "schema_version = 1", "schema_version = 2", "schema_version: got 2, expected 1", id="schema"
        ),
        pytest.param("[[cell]]", "[[cell", "not TOML", id="no-toml"),
    ],
)
def test_what_is_wrong_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parsed(TEXT.replace(old, new, 1))

    pattern = re.escape(said.replace("`", "'")).replace("\\*", ".*")
    assert re.search(pattern, str(refused.value)), str(refused.value)


def test_cell_is_found_by_its_name() -> None:
    assert parsed(TEXT).called("locked").name == "locked"
    with pytest.raises(BadInputError, match=r"did you mean 'traefik-2\.11\.0'"):
        parsed(TEXT).called("traefik-2.11")


def test_the_projects_own_matrix_is_whole() -> None:
    text = (PROJECT_ROOT / "matrix.toml").read_text("utf-8")

    matrix = parse_matrix(text, where="matrix.toml", locked=locked_versions(), profiles=list(load_profiles()))

    assert any(not each.others(locked_versions()) for each in matrix.cell)
