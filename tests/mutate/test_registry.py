"""What the quick set runs: all that it has, but for checks that wait long for what another mutant shows."""

from meshproof.catalogue import load_catalogue
from meshproof.mutate.plan import killers_of
from meshproof.mutate.registry import QUICK, quick_killers_of

CATALOGUE = load_catalogue()


def test_every_requirement_that_the_quick_set_can_prove_is_proven_by_it() -> None:
    able = {name for mutant in QUICK for name in killers_of(mutant, CATALOGUE)}

    assert {name for mutant in QUICK for name in quick_killers_of(mutant, CATALOGUE)} == able


def test_every_quick_mutant_has_its_first_killer() -> None:
    for mutant in QUICK:
        assert quick_killers_of(mutant, CATALOGUE)[:1] == killers_of(mutant, CATALOGUE)[:1]


def test_killers_that_wait_in_vain_are_spared_where_another_mutant_shows_it() -> None:
    spared = set(killers_of("tracing-off", CATALOGUE)) - set(quick_killers_of("tracing-off", CATALOGUE))

    assert {"TM-TRACE-010", "TM-TRACE-015"} <= spared
    assert quick_killers_of("trace-restarted", CATALOGUE) == killers_of("trace-restarted", CATALOGUE)
