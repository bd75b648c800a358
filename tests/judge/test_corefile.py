"""A Corefile as its server blocks, to the letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshproof.judge.corefile import blocks, missing_blocks

COREFILE = """.:53 {
    errors
    kubernetes cluster.local in-addr.arpa {
        pods insecure
    }
    forward . /etc/resolv.conf
}

#### Begin Block
traefik.mesh:53 maesh:53 {
    rewrite continue {
        name regex (.+)\\.traefik\\.mesh mesh-{1}
    }
}
#### End Block
"""


def test_blocks_come_by_their_zones() -> None:
    assert list(blocks(COREFILE)) == [".:53", "traefik.mesh:53 maesh:53"]


def test_block_is_the_text_from_brace_to_brace() -> None:
    found = blocks(COREFILE)

    assert found[".:53"] == COREFILE[COREFILE.index("{") : COREFILE.index("\n\n####")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("# nothing {\n", {}, id="comment-only"),
        pytest.param("a {\n}\n", {"a": "{\n}"}, id="empty-block"),
        pytest.param("a {\n}", {"a": "{\n}"}, id="no-line-feed-at-the-end"),
        pytest.param("a   {  \n}\n", {"a": "{  \n}"}, id="blanks-around-the-brace"),
        pytest.param("(common) {\n}\n", {"(common)": "{\n}"}, id="snippet"),
        pytest.param("import x\na {\n}\n", {"a": "{\n}"}, id="directive-before"),
        pytest.param(
            "a {\n    # as in {name\n}\nb {\n}\n",
            {"a": "{\n    # as in {name\n}", "b": "{\n}"},
            id="brace-in-a-comment",
        ),
    ],
)
def test_forms(text: str, expected: dict[str, str]) -> None:
    assert blocks(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("a {\n    b {\n}\n", "never closes", id="never-closes"),
        pytest.param("a {\n}\na {\n}\n", "two blocks for a", id="same-zones-twice"),
    ],
)
def test_what_is_no_corefile_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        blocks(text)


_zones = st.from_regex(r"[a-z.]{1,8}(:[0-9]{1,4})?", fullmatch=True)
_plain = st.from_regex(r"[a-z /.0-9]{0,12}", fullmatch=True).map(lambda text: f"    {text}\n")
_nested = _plain.map(lambda text: f"    plugin {{\n    {text}    }}\n")
_bodies = st.lists(st.one_of(_plain, _nested), max_size=4).map(lambda lines: "{\n" + "".join(lines) + "}")


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(_zones, _bodies, max_size=4), st.sampled_from(["\n", "\n\n", "\n# between\n"]))
def test_what_was_put_together_comes_apart_again(written: dict[str, str], between: str) -> None:
    text = between.join(f"{zones} {body}" for zones, body in written.items())

    assert blocks(text) == written


@settings(deadline=None)  # the machine may be busy
@given(st.text(alphabet="ab:. {}#\n\t"))
def test_any_text_is_read_or_refused_with_value_error(text: str) -> None:
    try:
        found = blocks(text)
    except ValueError:
        return

    assert all(body in text for body in found.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a:53 {\n}\nb:53 {\n}\n.:53 {\n}\n", None, id="both-there"),
        pytest.param("a:53 {\n}\n.:53 {\n}\n", "no server block for b:53 (there: a:53, .:53)", id="one-lost"),
        pytest.param(
            "# a:53 {\n# b:53 {\n", "no server block for a:53, b:53 (there: none)", id="commented-out"
        ),
        pytest.param("a:53 {\nb:53 {\n}\n", "configuration is broken", id="never-closes"),
    ],
)
def test_lost_blocks_are_named(text: str, said: str | None) -> None:
    found = missing_blocks(text, ["a:53", "b:53"])

    assert (found is None) if said is None else (found is not None and said in found)
