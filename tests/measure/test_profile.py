"""Profiles are read by name or path, and refused with the file, the key, what is there and what to do."""

from pathlib import Path

import pytest

from meshproof.measure.profile import experiment_s, load_profile, parse_profile
from meshproof.model.errors import BadInputError
from meshproof.model.load import Arrivals
from meshproof.paths import PROJECT_ROOT

PROFILES = PROJECT_ROOT / "loadtests" / "profiles"
SMOKE = (PROFILES / "smoke.toml").read_text()
LENGTHS = {
    "smoke": ("17 seconds of load", 17),
    "instruments": ("45 seconds of load", 45.2),
    "proof": ("29 seconds of load", 29),
    "live": ("18 seconds of load", 18),
    "ramp": ("4 minutes of load", 239),
    "services": ("3 minutes of load", 177),
    "soak": ("30 minutes of load", 1805),
}


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
    said, seconds = LENGTHS.get(path.stem, ("2 minutes of load", 125))
    assert said in header
    assert experiment_s(profile) * max(1, len(profile.services)) == pytest.approx(seconds)


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


def test_ramp_has_rates_and_each_of_its_steps_is_a_round() -> None:
    profile = load_profile("ramp")

    assert profile.steps == profile.rates_per_s == sorted(profile.rates_per_s)
    assert (profile.steps[0], profile.arrival_rate_per_s) == (100, 0)
    assert profile.all_rounds == 6 * len(profile.steps)
    assert profile.rate_in(len(profile.steps) + 1) == profile.steps[1]


def test_profile_of_one_rate_has_one_step() -> None:
    profile = load_profile("standard")

    assert (profile.steps, profile.all_rounds, profile.rate_in(7)) == ([300], 20, 300)


def test_soak_is_longer_than_the_others_and_asks_for_drift() -> None:
    assert load_profile("soak").drift
    assert not load_profile("standard").drift


def test_load_is_described_in_plain_values_and_without_what_it_makes_no_use_of() -> None:
    standard, ramp, services = (load_profile(name).described() for name in ("standard", "ramp", "services"))

    assert not standard.keys() & {"rates_per_s", "drift", "services"}
    assert (standard["payload_bytes"], standard["keep_alive"]) == (0, True)
    assert str(ramp["rates_per_s"]).startswith("100, 200, ")
    assert services["services"] == "0, 10, 100"
    assert load_profile("soak").described()["drift"] is True


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        pytest.param("rates_per_s", "300", "got 300, expected 2 or more rising numbers from 1", id="no list"),
        pytest.param("rates_per_s", "[]", "got []", id="empty"),
        pytest.param("rates_per_s", "[100]", "got [100]", id="one step"),
        pytest.param("rates_per_s", "[200, 100]", "got [200, 100]", id="falling"),
        pytest.param("rates_per_s", "[100, 100]", "got [100, 100]", id="twice"),
        pytest.param("rates_per_s", "[100, 1e9]", "from 1 to 20000", id="absurd"),
        pytest.param("rates_per_s", "[100, nan]", "got [100, nan]", id="not a number"),
        pytest.param("rates_per_s", '[100, "200"]', "got [100, '200']", id="a text"),
        pytest.param("rates_per_s", f"{list(range(1, 60))}", "50 at most", id="too many"),
        pytest.param(
            "services", "[0, 9, 9000]", "expected 3 or more rising numbers from 0 to 500", id="many"
        ),
        pytest.param("services", "[0, 9]", "got [0, 9]", id="no slope"),
        pytest.param("services", "[0, 1.5, 2]", "got [0, 1.5, 2]", id="half a service"),
        pytest.param("services", "[false, true, 2]", "got [False, True, 2]", id="truth values"),
        pytest.param("drift", "1", "got 1, expected true or false", id="a number for a truth value"),
    ],
)
def test_impossible_value_of_a_ramp_a_soak_or_services_is_refused(key: str, value: str, said: str) -> None:
    text = changed("arrival_rate_per_s", None) if key == "rates_per_s" else SMOKE

    with pytest.raises(BadInputError) as refused:
        parse_profile(f"{text}\n{key} = {value}", where="x.toml")

    assert str(refused.value).startswith(f"BAD-INPUT: x.toml/{key}: got ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        pytest.param(
            "ramp",
            {"arrival_rate_per_s": "300"},
            "/arrival_rate_per_s: got 300, expected nothing: rates_per_s has the rates",
            id="a rate beside rates",
        ),
        pytest.param(
            "ramp",
            {"arrivals": '"closed"'},
            "/rates_per_s: got [100, 200",
            id="a closed ramp",
        ),
        pytest.param(
            "ramp", {"services": "[0, 1, 2]"}, "/services: got [0, 1, 2], expected nothing", id="both"
        ),
        pytest.param("ramp", {"drift": "true"}, "/drift: got true, expected nothing: the rates", id="drift"),
        pytest.param(
            "soak", {"services": "[0, 10]", "rounds": "20"}, "/services: got [0, 10]", id="a soak of services"
        ),
        pytest.param("ramp", {"rates_per_s": "[5, 100]"}, "/rates_per_s: got 4 measured", id="too slow"),
        pytest.param("ramp", {"rounds": "200"}, "/rounds: got 7805 s in all", id="too long"),
        pytest.param(
            "ramp",
            {"rates_per_s": "[10000, 20000]", "rounds": "60"},
            "/rates_per_s: got 5.45e+06 requests in all, expected at most 5e+06",
            id="too much",
        ),
        pytest.param("services", {"rounds": "200", "phase_s": "2.0"}, "/rounds: got 3615 s", id="all stages"),
        pytest.param("ramp", {"rate_per_s": "[1, 2]"}, "did you mean 'rates_per_s'?", id="misspelt"),
        pytest.param("soak", {"drifts": "true"}, "did you mean 'drift'?", id="misspelt drift"),
        pytest.param("services", {"service": "[0, 1]"}, "did you mean 'services'?", id="misspelt services"),
    ],
)
def test_what_does_not_go_together_in_these_profiles_is_refused(
    name: str, changes: dict[str, str], said: str
) -> None:
    lines = (PROFILES / f"{name}.toml").read_text().splitlines()
    kept = [line for line in lines if line.split(" ")[0] not in changes]

    with pytest.raises(BadInputError) as refused:
        parse_profile("\n".join([*kept, *(f"{k} = {v}" for k, v in changes.items())]), where="x.toml")

    assert said in str(refused.value)


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
