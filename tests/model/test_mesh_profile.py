"""Profiles of the mesh, as their file says."""

import pytest

from meshproof.model.errors import BadInputError
from meshproof.model.mesh_profile import choose_profile, parse_profiles

TEXT = """
[plain]
title = "usual"
workloads = ["server"]

[acl]
title = "closed"
nodes = 2
values = { acl = true }
workloads = ["server", "client"]
"""


def test_profiles_are_read_in_the_order_of_the_file() -> None:
    found = parse_profiles(TEXT, where="f.toml")

    assert list(found) == ["plain", "acl"]
    assert (found["plain"].nodes, found["plain"].dns, found["plain"].values) == (1, "coredns", {})
    assert (found["acl"].nodes, found["acl"].values) == (2, {"acl": True})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[plain", "f.toml", id="not-toml"),
        pytest.param('[plain]\ntitle = "x"\n', "workloads", id="field-missing"),
        pytest.param('[plain]\ntitle = "x"\nworkloads = []\nvalue = 1\n', "value", id="unknown-field"),
        pytest.param('[plain]\ntitle = "x"\nworkloads = []\ndns = "bind"\n', "bind", id="unknown-dns"),
        pytest.param('[plain]\ntitle = "x"\nworkloads = []\nnodes = "two"\n', "nodes", id="wrong-type"),
    ],
)
def test_file_that_does_not_fit_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInputError, match=r"f\.toml") as caught:
        parse_profiles(text, where="f.toml")

    assert said in str(caught.value)


def test_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInputError, match=r"--mesh-profile=acll: no such profile; did you mean 'acl'"):
        choose_profile(parse_profiles(TEXT, where="f.toml"), "acll")
