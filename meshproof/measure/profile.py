"""Load profiles: ``loadtests/profiles/*.toml``, refused with the reason when they make no sense."""

import math
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec

from meshproof.measure.swarm_options import SWARM_FIELDS, SwarmChoice, check_swarm
from meshproof.model.errors import BadInputError, nearest
from meshproof.model.load import Arrivals, Profile
from meshproof.paths import PROJECT_ROOT

__all__ = ["Profile", "experiment_s", "load_profile", "parse_profile", "with_swarm"]

_FOLDER: Final = PROJECT_ROOT / "loadtests" / "profiles"

ARMS: Final = 3  # direct, control, mesh: what a profile's total length and load are reckoned with
MAX_EXPERIMENT_S: Final = 3600.0  # an hour: longer belongs into several runs, which see more of the machine
MAX_REQUESTS: Final = 5_000_000  # bounds what an experiment can do to a cluster by a slip of a digit
CLOSED_RATE_PER_S: Final = 3000  # what a worker sends at most where nothing holds it back
MIN_SAMPLES: Final = 20  # per measured phase: below that even a median is a guess


@dataclass(frozen=True, kw_only=True)
class _Limit:
    low: float
    high: float
    remedy: str


_LIMITS: Final = {
    "rounds": _Limit(low=1, high=200, remedy="20 short rounds say more than a few long ones"),
    "phase_s": _Limit(low=0.2, high=60, remedy="1 to 5 s interleaves the arms well"),
    "settle_s": _Limit(low=0, high=10, remedy="a tenth of phase_s is enough"),
    "warmup_s": _Limit(low=0.5, high=120, remedy="connections and routes are warm after a few seconds"),
    "users": _Limit(low=1, high=2000, remedy="10 to 100 connections are usual"),
    "arrival_rate_per_s": _Limit(low=1, high=20_000, remedy="one worker process gives about 1,000 a second"),
    "rates_per_s": _Limit(low=1, high=20_000, remedy="one worker process gives about 1,000 a second"),
    "services": _Limit(low=0, high=500, remedy="0, 10 and 100 show how it grows"),
    "workers": _Limit(low=1, high=32, remedy="use one for each core that can be spared"),
    "payload_bytes": _Limit(low=0, high=1_048_576, remedy="stay below a mebibyte"),
    "request_timeout_s": _Limit(low=0.1, high=30, remedy="use a few times phase_s at most"),
    "seed": _Limit(low=0, high=2**63 - 1, remedy="use any whole number from 0"),
}
_WORDS: Final = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
_MAY_BE_ABSENT: Final = {"drift", "rates_per_s", "services"}
_MAX_STEPS: Final = 50  # of a ramp; a bracket of a few per cent needs no more
_FEWEST_STEPS: Final = {"rates_per_s": 2, "services": 3}  # what one service takes is told from the second on


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a profile by name (``standard``: ``loadtests/profiles/standard.toml``) or by path.

    Raises BadInputError naming the file, the key, what is there, what was expected and what to do.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and len(path.parts) == 1:
        path = _FOLDER / f"{name_or_path}.toml"
    where = _relative(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = sorted(file.stem for file in _FOLDER.glob("*.toml"))
        raise BadInputError(
            where=where, problem="no such profile", remedy=nearest(path.stem, known)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            where=where, problem=f"cannot be read: {error}", remedy="name a readable TOML file"
        ) from error
    return parse_profile(text, where=where)


def parse_profile(text: str, *, where: str) -> Profile:
    """TOML to Profile; ``where`` names the source in errors. Raises BadInputError."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(where=where, problem=f"not TOML: {error}", remedy="mend that line") from error
    fields = {field.name: field.type for field in msgspec.structs.fields(Profile)}
    for key in values.keys() - fields.keys():
        raise BadInputError(
            where=f"{where}/{key}",
            problem="got an unknown key, expected one of a profile's",
            remedy=nearest(key, list(fields)),
        )
    checked_here = _check_arrivals(where, values) | (_MAY_BE_ABSENT - values.keys())
    check_swarm(where, values)
    for key in fields.keys() - checked_here - set(SWARM_FIELDS):
        if get_origin(fields[key]) is list:
            _check_rising(where, key, get_args(fields[key])[0], values[key])
        else:
            _check(where, key, fields[key], values)
    profile = msgspec.convert(values, Profile, strict=False)
    _check_together(where, profile)
    return profile


def with_swarm(profile: Profile, choice: SwarmChoice) -> Profile:
    """The profile with what a run's options say of its workers. Raises BadInputError naming the option."""
    changes = choice.changes()
    workers, limit = changes.get("workers", profile.workers), _LIMITS["workers"]
    if not limit.low <= workers <= limit.high:
        raise BadInputError(
            where="--load-workers",
            problem=f"got {workers}, expected a whole number from {limit.low:g} to {limit.high:g}",
            remedy=limit.remedy,
        )
    if profile.users % workers:
        shares = [n for n in range(1, int(limit.high) + 1) if profile.users % n == 0]
        near = sorted(sorted(shares, key=lambda n: abs(n - workers))[:2])
        raise BadInputError(
            where="--load-workers",
            problem=f"got {workers}, expected a divisor of the {profile.users} users of {profile.name}",
            remedy=f"use {' or '.join(map(str, near))}: every worker has the same number of users",
        )
    return msgspec.structs.replace(profile, **changes)


def experiment_s(profile: Profile, arms: int = ARMS) -> float:
    """Seconds from the start of the warm-up to the end of the last phase."""
    return profile.warmup_s + profile.all_rounds * arms * profile.phase_s


def _check_arrivals(where: str, values: dict[str, Any]) -> set[str]:
    """The model of the arrivals, ``fixed`` where none is named; returns the keys that need no other check."""
    value, models = values.get("arrivals", Arrivals.FIXED), [each.value for each in Arrivals]
    if value not in models:
        raise BadInputError(
            where=f"{where}/arrivals",
            problem=f"got {value!r}, expected one of {', '.join(models)}",
            remedy=nearest(str(value), models),
        )
    closed = value == Arrivals.CLOSED
    unwanted = [key for key in ("arrival_rate_per_s", "rates_per_s") if key in values]
    if unwanted and closed:
        raise BadInputError(
            where=f"{where}/{unwanted[0]}",
            problem=f"got {values[unwanted[0]]!r}, expected nothing: a closed model has no rate",
            remedy='leave it out, or write arrivals = "fixed"',
        )
    if len(unwanted) > 1:
        raise BadInputError(
            where=f"{where}/arrival_rate_per_s",
            problem=f"got {values['arrival_rate_per_s']!r}, expected nothing: rates_per_s has the rates",
            remedy="leave one of the two out",
        )
    return {"arrivals", "arrival_rate_per_s"} if closed or unwanted == ["rates_per_s"] else {"arrivals"}


def _check_rising(where: str, key: str, kind: type, values: Any) -> None:
    """A list of numbers, each above the one before it."""
    limit, fewest = _LIMITS[key], _FEWEST_STEPS[key]
    expected = f"{fewest} or more rising numbers from {limit.low:g} to {limit.high:g}, {_MAX_STEPS} at most"
    fits = isinstance(values, list) and fewest <= len(values) <= _MAX_STEPS
    fits = fits and all(type(each) is kind or (kind is float and type(each) is int) for each in values)
    fits = fits and all(math.isfinite(each) and limit.low <= each <= limit.high for each in values)
    if not fits or any(one >= following for one, following in pairwise(values)):
        raise BadInputError(
            where=f"{where}/{key}", problem=f"got {values!r}, expected {expected}", remedy=limit.remedy
        )


def _check(where: str, key: str, kind: type, values: dict[str, Any]) -> None:
    limit = _LIMITS.get(key)
    expected = _WORDS[kind] + (f" from {limit.low:g} to {limit.high:g}" if limit else "")
    remedy = limit.remedy if limit else f"write {key} = " + ("true" if kind is bool else '"..."')
    if key not in values:
        raise BadInputError(
            where=f"{where}/{key}", problem=f"got nothing, expected {expected}", remedy=remedy
        )
    value = values[key]
    fits = type(value) is kind or (kind is float and type(value) is int)
    if fits and limit:
        fits = math.isfinite(value) and limit.low <= value <= limit.high
    if fits and key == "name":
        fits = bool(value.strip())
        expected = "a name"
    if not fits:
        raise BadInputError(
            where=f"{where}/{key}", problem=f"got {value!r}, expected {expected}", remedy=remedy
        )


_Problem = tuple[str, bool, str, str]  # key, whether it is wrong, what is there, what to do


def _check_together(where: str, profile: Profile) -> None:
    """What no key shows by itself."""
    for key, wrong, problem, remedy in (*_of_one_kind(profile), *_too_long_or_too_much(profile)):
        if wrong:
            raise BadInputError(where=f"{where}/{key}", problem=problem, remedy=remedy)


def _of_one_kind(profile: Profile) -> list[_Problem]:
    return [
        (
            "settle_s",
            profile.settle_s >= profile.phase_s,
            f"got {profile.settle_s:g}, expected less than phase_s = {profile.phase_s:g}",
            "leave time to measure in",
        ),
        (
            "users",
            profile.users % profile.workers != 0,
            f"got {profile.users}, expected a multiple of workers = {profile.workers}",
            "give every worker the same number of users",
        ),
        (
            "services",
            bool(profile.services and (profile.rates_per_s or profile.drift)),
            f"got {profile.services}, expected nothing with rates_per_s or drift",
            "measure that in a profile of its own",
        ),
        (
            "drift",
            bool(profile.drift and profile.rates_per_s),
            "got true, expected nothing: the rates of a ramp differ from round to round",
            "measure that in a profile of its own",
        ),
    ]


def _too_long_or_too_much(profile: Profile) -> list[_Problem]:
    """Reckoned over all steps of a ramp, and over each number of services."""
    closed = profile.arrivals is Arrivals.CLOSED
    rates = [float(CLOSED_RATE_PER_S * profile.workers)] if closed else profile.steps
    rate_key = "rates_per_s" if profile.rates_per_s else "arrival_rate_per_s"
    measured = rates[0] * (profile.phase_s - profile.settle_s)
    stages = len(profile.services) or 1
    whole_s, about = stages * experiment_s(profile), "about " if closed else ""
    requests = stages * (rates[0] * profile.warmup_s + sum(rates) * profile.rounds * ARMS * profile.phase_s)
    return [
        (
            rate_key,
            measured < MIN_SAMPLES,
            f"got {measured:g} measured requests a phase, expected at least {MIN_SAMPLES}",
            "raise the rate or phase_s",
        ),
        (
            "rounds",
            whole_s > MAX_EXPERIMENT_S,
            f"got {whole_s:g} s in all with {ARMS} arms, expected at most {MAX_EXPERIMENT_S:g}",
            "lower rounds or phase_s",
        ),
        (
            "rounds" if closed else rate_key,
            requests > MAX_REQUESTS,
            f"got {about}{requests:g} requests in all, expected at most {MAX_REQUESTS:g}",
            f"lower {'workers' if closed else 'the rate'}, rounds or phase_s",
        ),
    ]


def _relative(path: Path) -> str:
    absolute = path.absolute()
    return str(absolute.relative_to(PROJECT_ROOT)) if absolute.is_relative_to(PROJECT_ROOT) else str(path)
