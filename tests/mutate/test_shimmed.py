"""The mutants that the shim makes; and what holds for all mutants that there are."""

import re

import pytest

from meshproof.catalogue import load_catalogue
from meshproof.engine.waiting import WaitTimedOutError
from meshproof.model.mutant import MutantKind
from meshproof.mutate import dns
from meshproof.mutate.front_behaviours import BEHAVIOURS
from meshproof.mutate.gate import GATES
from meshproof.mutate.interposer import Interposer
from meshproof.mutate.mutant import Ground, Mutant
from meshproof.mutate.plan import killers_of
from meshproof.mutate.registry import GROUPS, MUTANTS
from meshproof.mutate.served import CHANGES
from meshproof.mutate.shimmed import SHIMMED, Served
from tests.mutate.fake_ground import NAMESPACE, FakeKube, FakeMesh, FakeShim, ground

CHANGE = Served(name="backend-dropped")
IN_FORCE = f"backend-dropped {NAMESPACE}"
NAMES = [each.name for each in SHIMMED]


class Shim(FakeShim):
    """Its proxies follow no order that is ``late``; the others are in ``followed``."""

    def __init__(self, *late: str) -> None:
        super().__init__()
        self.late = late
        self.followed: list[str] = []

    def follow(self, order: int) -> None:
        super().follow(order)
        if self.orders[-1] in self.late:
            raise WaitTimedOutError(f"every proxy follows the shim's order {order}", 0.0, "not yet: b")
        self.followed.append(self.orders[-1])


def on(shim: Shim) -> Ground:
    return ground(FakeKube(), FakeMesh(), shim)


def test_configuration_is_changed_for_the_runs_namespace_and_then_the_controllers() -> None:
    shim = Shim()

    with CHANGE.applied(on(shim)):
        assert shim.followed == [IN_FORCE]

    assert shim.followed == [IN_FORCE, ""]


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_change_is_taken_back_after_an_error(error: type[BaseException]) -> None:
    shim = Shim()

    with pytest.raises(error), CHANGE.applied(on(shim)):
        raise error

    assert shim.followed == [IN_FORCE, ""]


def test_change_that_is_not_followed_is_taken_back() -> None:
    shim = Shim(IN_FORCE)

    with pytest.raises(WaitTimedOutError, match="order 1"), CHANGE.applied(on(shim)):
        pytest.fail("the block ran")

    assert shim.followed == [""]


def test_change_that_cannot_be_taken_back_says_so() -> None:
    shim = Shim("")

    with pytest.raises(WaitTimedOutError, match="order 2"), CHANGE.applied(on(shim)):
        pass

    assert shim.followed == [IN_FORCE]


def test_mutants_are_those_that_the_shim_knows() -> None:
    shim = Interposer("http://127.0.0.1:1", "127.0.0.1")

    assert [each.change for each in SHIMMED] == [Served(name=name) for name in NAMES]
    assert [name for name in NAMES if "order" not in shim.command(name, NAMESPACE)] == []


def test_kind_says_where_the_mesh_is_broken() -> None:
    fronts = {each.name for each in SHIMMED if each.change.kind is MutantKind.FRONT}
    served = {each.name for each in SHIMMED if each.change.kind is MutantKind.SERVED}

    assert (fronts, served) == (set(BEHAVIOURS) - set(GATES), set(NAMES) - set(BEHAVIOURS))


def as_corefile(mutant: Mutant) -> dns.Corefile:
    assert isinstance(mutant.change, dns.Corefile)
    return mutant.change


def test_everything_that_the_shim_can_do_is_a_mutant_or_half_of_one() -> None:
    halves = {each.served for each in map(as_corefile, dns.MUTANTS) if each.served}

    assert halves.isdisjoint(NAMES)
    assert {*NAMES, *halves, *GATES} == {*CHANGES, *BEHAVIOURS, *GATES}
    assert {*NAMES}.isdisjoint(GATES)


def test_mutants_say_in_a_sentence_what_they_break() -> None:
    sentence = re.compile(r"[A-Z][^\n]*[^.\s]\.")

    assert [each.name for each in MUTANTS.values() if not sentence.fullmatch(each.breaks)] == []


def test_no_two_mutants_have_one_name() -> None:
    names = [each.name for group in GROUPS for each in group]

    assert sorted(name for name in MUTANTS if names.count(name) > 1) == []
    assert set(names) == MUTANTS.keys()


def test_every_mutant_has_a_killer() -> None:
    catalogue = load_catalogue()

    assert [name for name in MUTANTS if not killers_of(name, catalogue)] == []


def test_what_a_mutant_disturbs_is_in_the_catalogue() -> None:
    catalogue = load_catalogue()

    assert [
        (mutant.name, beginning)
        for mutant in MUTANTS.values()
        for beginning in mutant.disturbs
        if not any(name.startswith(beginning) for name in catalogue)
    ] == []
