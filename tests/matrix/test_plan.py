"""Which cells a night judges: the most informative first, within its time."""

from hypothesis import given
from hypothesis import strategies as st

from meshproof.matrix.plan import Attempt, Reason, left_out_by, plan_night
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


def test_budget_goes_to_the_first_and_then_to_what_still_fits() -> None:
    known = {"long": tried(1, minutes=50), "short": tried(2, minutes=5), "middle": tried(3, minutes=20)}
    chosen = cells("long", "short", "middle", "new")

    planned = plan_night(chosen, known, budget_s=60 * 60)

    assert [each.cell.name for each in planned] == [
        "new",
        "short",
        "middle",
    ]  # the new one as long as the median
    assert left_out_by(planned, chosen) == ["long"]


def test_first_cell_is_judged_however_long_it_takes() -> None:
    assert [
        each.cell.name for each in plan_night(cells("a", "b"), {"a": tried(1, minutes=90)}, budget_s=1)
    ] == ["b"]


def test_night_goes_on_with_what_it_has_not_tried() -> None:
    known = {"a": tried(9, changed=True), "b": tried(8), "c": tried(9)}

    planned = plan_night(cells("a", "b", "c", "new"), known, since="2026-11-09T00:00:00+00:00")

    assert [each.cell.name for each in planned] == ["new", "b"]


def test_what_never_ran_says_nothing_of_how_long_a_cell_takes() -> None:
    (planned,) = plan_night(cells("a"), {"a": tried(1, minutes=1, run=""), "b": tried(1, minutes=40)})

    assert planned.estimate_s == 40 * 60


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


@given(ATTEMPTS, st.none() | st.floats(0, 1e5))
def test_no_cell_is_planned_twice_and_the_budget_holds(
    known: dict[str, Attempt], budget: float | None
) -> None:
    chosen = cells(*"abcdefgh")

    planned = plan_night(chosen, known, budget_s=budget)

    names = [each.cell.name for each in planned]
    assert len(names) == len(set(names))
    assert sorted([*names, *left_out_by(planned, chosen)]) == list("abcdefgh")
    assert planned
    if budget is not None and len(planned) > 1:
        assert sum(each.estimate_s for each in planned[1:]) <= budget
