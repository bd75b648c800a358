"""How many workers, on which node and CPUs: by the profile, or by the run's options."""

import pytest

from meshproof.measure.profile import load_profile, parse_profile, with_swarm
from meshproof.measure.swarm_options import SwarmChoice, parse_cpus, parse_rates
from meshproof.model.errors import BadInputError
from meshproof.paths import PROJECT_ROOT

STANDARD = (PROJECT_ROOT / "loadtests/profiles/standard.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        pytest.param("1", [1], id="one"),
        pytest.param("3, 0", [0, 3], id="two"),
        pytest.param("0,2-4,3", [0, 2, 3, 4], id="a range"),
    ],
)
def test_cpus_are_written_as_taskset_does(text: str, cpus: list[int]) -> None:
    assert parse_cpus(text, where="--load-cpus") == cpus


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "expected CPUs such as 1 or 0,2-3", id="nothing"),
        pytest.param("one", "expected CPUs such as", id="a word"),
        pytest.param("-1", "expected CPUs such as", id="negative"),
        pytest.param("3-1", r"did you mean 1-3\?", id="backwards"),
        pytest.param("0-99999", r"from 0 to 1023.*did you mean 0-1023\?", id="too many"),
        pytest.param("1,,2", "expected CPUs such as", id="a hole"),
    ],
)
def test_what_is_no_list_of_cpus_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadInputError, match=rf"--load-cpus: got .*{why}"):
        with_swarm(load_profile("standard"), SwarmChoice(cpus=text))


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        pytest.param("", (), id="none"),
        pytest.param("50, 300,50", (50.0, 300.0), id="each once"),
    ],
)
def test_rates_are_numbers_with_commas(text: str, rates: tuple[float, ...]) -> None:
    assert parse_rates(text, where="--instruments") == rates


@pytest.mark.parametrize("text", ["ten", "10", "50,", "1e9", "99999", "-50", "50.5"])
def test_rate_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match=r"--instruments: got .*expected rates from 50 to 5000 a second"):
        parse_rates(text, where="--instruments")


def test_options_go_before_the_profile() -> None:
    found = with_swarm(load_profile("standard"), SwarmChoice(workers=4, node="apart", cpus="1"))

    assert (found.workers, found.node, found.cpus) == (4, "apart", [1])
    assert with_swarm(load_profile("standard"), SwarmChoice()) == load_profile("standard")


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        pytest.param(SwarmChoice(workers=0), "--load-workers: got 0, expected a whole number", id="none"),
        pytest.param(SwarmChoice(workers=99), "from 1 to 32", id="too many"),
        pytest.param(SwarmChoice(workers=3), "divisor of the 20 users of standard; use 2 or 4", id="uneven"),
        pytest.param(SwarmChoice(node=" "), "--load-node: got ' '", id="no node"),
    ],
)
def test_options_that_make_no_sense_are_refused(choice: SwarmChoice, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        with_swarm(load_profile("standard"), choice)


def test_profile_may_say_where_its_workers_run() -> None:
    found = parse_profile(STANDARD + 'node = "lab-worker"\ncpus = [1]\n', where="mine.toml")

    assert (found.node, found.cpus) == ("lab-worker", [1])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param('node = ""', "mine.toml/node: got ''", id="no node"),
        pytest.param("node = 1", "mine.toml/node: got 1", id="a number"),
        pytest.param("cpus = 1", "mine.toml/cpus: got 1", id="no list"),
        pytest.param("cpus = []", "mine.toml/cpus: got", id="empty"),
        pytest.param("cpus = [1, 1]", "each once", id="twice"),
        pytest.param("cpus = [-1]", "from 0", id="negative"),
        pytest.param("cpus = [true]", "mine.toml/cpus", id="a boolean"),
        pytest.param('cpus = ["1"]', "mine.toml/cpus", id="text"),
    ],
)
def test_profile_with_a_place_that_makes_no_sense_is_refused(line: str, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        parse_profile(f"{STANDARD}{line}\n", where="mine.toml")
