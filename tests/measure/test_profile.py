"""Profiles are read by name or path, and refused with the file, the key, what is there and what to do."""

from pathlib import Path

import pytest

from meshproof.measure.profile import experiment_s, load_profile, parse_profile
from meshproof.model.errors import BadInputError
from meshproof.model.load import Arrivals
from meshproof.paths import PROJECT_ROOT

PROFILES = PROJECT_ROOT / "loadtests" / "profiles"
SMOKE = (PROFILES / "smoke.toml").read_text()


def changed(key: str, value: str | None) -> str:
    lines = [line for line in SMOKE.splitlines() if not line.startswith(f"{key} ")]
    return "\n".join(lines if value is None else [*lines, f"{key} = {value}"])


def test_standard_profile_is_twenty_rounds_of_two_seconds_an_arm() -> None:
    profile = load_profile("standard")

    assert (profile.rounds, profile.phase_s) == (20, 2.0)
    assert profile.arrival_rate_per_s == 300


def test_smoke_profile_takes_less_than_a_minute() -> None:
    assert experiment_s(load_profile("smoke")) < 60


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_each_profile_says_what_it_is_for_and_how_long_it_takes(path: Path) -> None:
    profile = load_profile(path)
    text = path.read_text()

    assert profile.name == path.stem
    assert text.startswith("# ")
    header = text[: text.index("name =")]
    seconds = {"smoke": 17, "proof": 29}.get(path.stem)
    assert (f"{seconds} seconds of load" if seconds else "2 minutes of load") in header
    assert experiment_s(profile) == pytest.approx(seconds or 125)


def test_profiles_differ_from_the_standard_one_in_what_they_are_for() -> None:
    standard, churn, large = (load_profile(name) for name in ("standard", "churn", "large"))
    throughput = load_profile("throughput")

    assert (churn.keep_alive, standard.keep_alive) == (False, True)
    assert (large.payload_bytes, standard.payload_bytes) == (65_536, 0)
    assert (throughput.arrivals, standard.arrivals) == (Arrivals.CLOSED, Arrivals.FIXED)


@pytest.mark.parametrize("said", ["fixed", "poisson", None])
def test_open_model_is_fixed_unless_it_says_otherwise(said: str | None) -> None:
    profile = parse_profile(changed("arrivals", said and f'"{said}"'), where="p.toml")

    assert profile.arrivals == (said or "fixed")
    assert profile.arrival_rate_per_s == 100


def test_closed_model_has_no_rate() -> None:
    closed = changed("arrivals", '"closed"')

    with pytest.raises(BadInputError, match=r"/arrival_rate_per_s: got 100, expected nothing: a closed"):
        parse_profile(closed, where="p.toml")
    without = "\n".join(line for line in closed.splitlines() if not line.startswith("arrival_rate"))

    assert parse_profile(without, where="p.toml").arrival_rate_per_s == 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param('"poison"', "got 'poison', .* did you mean 'poisson'", id="misspelt"),
        pytest.param("1", "got 1, expected one of fixed, poisson, closed", id="a number"),
        pytest.param("[]", r"got \[\], expected one of fixed", id="a list"),
        pytest.param('"Fixed"', "did you mean 'fixed'", id="capital"),
    ],
)
def test_unknown_arrivals_name_the_nearest(value: str, said: str) -> None:
    with pytest.raises(BadInputError, match=f"p.toml/arrivals: .*{said}"):
        parse_profile(changed("arrivals", value), where="p.toml")


def test_open_model_needs_a_rate() -> None:
    with pytest.raises(BadInputError, match="/arrival_rate_per_s: got nothing, expected a number from 1"):
        parse_profile(changed("arrival_rate_per_s", None), where="p.toml")


def test_closed_model_that_would_send_too_much_is_refused() -> None:
    text = (PROFILES / "throughput.toml").read_text().replace("workers = 2", "workers = 20")

    with pytest.raises(BadInputError, match=r"/rounds: got about 7.5e\+06 requests in all.*lower workers"):
        parse_profile(text, where="p.toml")


def test_profile_is_read_from_a_path_and_whole_numbers_pass_for_seconds(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(changed("phase_s", "2"))

    assert load_profile(path).phase_s == 2.0


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match=r"loadtests/profiles/standart.toml: .*did you mean 'standard'"):
        load_profile("standart")


def test_unreadable_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(BadInputError, match=r"x.toml: cannot be read"):
        load_profile(tmp_path / "x.toml")


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match=r"p.toml/roundz: got an unknown key.*did you mean 'rounds'"):
        parse_profile(SMOKE + "\nroundz = 3", where="p.toml")


def test_text_that_is_not_toml_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"p.toml: not TOML"):
        parse_profile("rounds = ", where="p.toml")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        pytest.param("rounds", "0", "got 0, expected a whole number from 1 to 200", id="no round"),
        pytest.param("rounds", "-5", "got -5", id="negative"),
        pytest.param("rounds", "20.0", "got 20.0, expected a whole number", id="a fraction for a count"),
        pytest.param("rounds", "true", "got True", id="a truth value for a count"),
        pytest.param("rounds", None, "got nothing, expected a whole number", id="missing"),
        pytest.param("phase_s", "nan", "got nan, expected a number from 0.2 to 60", id="not a number"),
        pytest.param("phase_s", "inf", "got inf", id="endless"),
        pytest.param("warmup_s", "0", "got 0", id="no warm-up"),
        pytest.param("arrival_rate_per_s", "1e9", "got 1000000000.0", id="absurd rate"),
        pytest.param("arrival_rate_per_s", '"300"', "got '300', expected a number", id="text for a rate"),
        pytest.param("keep_alive", "1", "got 1, expected true or false", id="a number for a truth value"),
        pytest.param("keep_alive", None, "write keep_alive = true", id="missing truth value"),
        pytest.param("name", '" "', "expected a name", id="blank name"),
        pytest.param("payload_bytes", "99999999", "stay below a mebibyte", id="absurd payload"),
        pytest.param("seed", "-1", "got -1", id="negative seed"),
    ],
)
def test_impossible_value_is_refused(key: str, value: str | None, said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_profile(changed(key, value), where="loadtests/profiles/x.toml")

    assert str(refused.value).startswith(f"BAD-INPUT: loadtests/profiles/x.toml/{key}: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"settle_s": "1.0"}, "/settle_s: got 1, expected less than phase_s", id="settle"),
        pytest.param({"workers": "3"}, "/users: got 10, expected a multiple of workers = 3", id="users"),
        pytest.param({"arrival_rate_per_s": "5"}, "/arrival_rate_per_s: got 4 measured", id="too slow"),
        pytest.param({"rounds": "200", "phase_s": "60"}, "/rounds: got 36002 s in all", id="too long"),
        pytest.param(
            {"arrival_rate_per_s": "20000", "rounds": "200", "phase_s": "2"},
            "/arrival_rate_per_s: got 2.404e+07 requests",
            id="too much",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(changes: dict[str, str], said: str) -> None:
    lines = [line for line in SMOKE.splitlines() if line.split(" ")[0] not in changes]
    text = "\n".join([*lines, *(f"{key} = {value}" for key, value in changes.items())])

    with pytest.raises(BadInputError) as refused:
        parse_profile(text, where="x.toml")

    assert said in str(refused.value)
