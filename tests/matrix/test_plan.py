"""In which order a night judges cells, and how long each takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.matrix.plan import Attempt, Reason, estimate_s, plan_night
from meshproof.model.matrix import CellRow


def cells(*names: str) -> list[CellRow]:
    """Cells of these names."""
    return [CellRow(name=name) for name in names]


def tried(
    day: int, *, minutes: float = 10, changed: bool = False, run: str = "20261101-000000-aaaa"
) -> Attempt:
    """The outcome of a night of November."""
    started = f"2026-11-{day:02}T02:00:00+00:00"
    return Attempt(started=started, seconds=minutes * 60, exit_code=0, run=run, changed=changed)


def test_new_cells_come_first_then_those_that_changed_then_the_oldest_result() -> None:
    known = {"a": tried(3), "b": tried(1), "c": tried(4, changed=True), "d": tried(2, changed=True)}

    planned = plan_night(cells("a", "b", "c", "d", "x", "y"), known)

    assert [(each.cell.name, each.reason) for each in planned] == [
        ("x", Reason.NEW),
        ("y", Reason.NEW),
        ("d", Reason.CHANGED),
        ("c", Reason.CHANGED),
        ("b", Reason.OLDEST),
        ("a", Reason.OLDEST),
    ]


def test_cell_that_could_not_be_built_does_not_take_the_time_of_every_night() -> None:
    known = {"broken": tried(5, run=""), "old": tried(4)}

    assert [each.cell.name for each in plan_night(cells("broken", "old"), known)] == ["old", "broken"]


def test_night_goes_on_with_what_it_has_not_tried() -> None:
    known = {"a": tried(9, changed=True), "b": tried(8), "c": tried(9)}

    planned = plan_night(cells("a", "b", "c", "new"), known, since="2026-11-09T00:00:00+00:00")

    assert [each.cell.name for each in planned] == ["new", "b"]


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [
        pytest.param({"a": tried(1, minutes=3), "b": tried(1, minutes=40)}, 3, id="its-own"),
        pytest.param(
            {"b": tried(1, minutes=40), "c": tried(1, minutes=6), "d": tried(1, minutes=5)}, 6, id="median"
        ),
        pytest.param({"a": tried(1, minutes=1, run=""), "b": tried(1, minutes=40)}, 40, id="never-ran"),
        pytest.param({}, 8, id="nothing-known"),
    ],
)
def test_cell_takes_what_it_took_or_what_others_did(attempts: dict[str, Attempt], minutes: float) -> None:
    (cell,) = cells("a")

    assert estimate_s(cell, attempts) == minutes * 60


def test_cell_that_never_ran_compiles_its_kubernetes_first() -> None:
    known = {"a": tried(1, minutes=4)}

    assert estimate_s(CellRow(name="b", kubernetes="v1.35.4"), known) == 9 * 60
    assert estimate_s(CellRow(name="a", kubernetes="v1.35.4"), known) == 4 * 60


ATTEMPTS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.builds(
        tried,
        st.integers(1, 28),
        minutes=st.floats(0.1, 90),
        changed=st.booleans(),
        run=st.sampled_from(["", "20261101-000000-aaaa"]),
    ),
)


@given(ATTEMPTS)
def test_every_cell_is_planned_once(known: dict[str, Attempt]) -> None:
    chosen = cells(*"abcdefgh")

    planned = plan_night(chosen, known)

    assert sorted(each.cell.name for each in planned) == list("abcdefgh")
