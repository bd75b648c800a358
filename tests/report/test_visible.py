"""Foreign text steers neither a terminal nor a page."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.report.visible import cut, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[31mred", "\\x1b[31mred", id="ANSI"),
        pytest.param("\x9b31mred", "\\x9b31mred", id="C1"),
        pytest.param("a\u202eb", "a\\u202eb", id="bidirectional"),
        pytest.param("a\r\nb\tc", "a\nb\tc", id="line ends and tabs stay"),
        pytest.param("over\rwritten", "over\\x0dwritten", id="carriage return"),
        pytest.param("網格 ünï", "網格 ünï", id="other scripts stay"),
    ],
)
def test_control_characters_are_shown_by_their_code(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    left = set(visible(text)) - {"\n", "\t"}

    assert not {unicodedata.category(character) for character in left} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_showing_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(), st.integers(1, 200))
def test_one_line_is_one_line_and_not_wider(text: str, width: int) -> None:
    line = one_line(text, width)

    assert "\n" not in line
    assert len(line) <= width


def test_a_cut_is_marked() -> None:
    assert cut("abcdef", 4) == "abc…"
