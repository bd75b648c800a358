"""Load profiles: ``loadtests/profiles/*.toml``, refused with the reason when they make no sense."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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
    "workers": _Limit(low=1, high=32, remedy="use one for each core that can be spared"),
    "payload_bytes": _Limit(low=0, high=1_048_576, remedy="stay below a mebibyte"),
    "request_timeout_s": _Limit(low=0.1, high=30, remedy="use a few times phase_s at most"),
    "seed": _Limit(low=0, high=2**63 - 1, remedy="use any whole number from 0"),
}
_WORDS: Final = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


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
    checked_here = _check_arrivals(where, values)
    check_swarm(where, values)
    for key in fields.keys() - checked_here - set(SWARM_FIELDS):
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
    return profile.warmup_s + profile.rounds * arms * profile.phase_s


def _check_arrivals(where: str, values: dict[str, Any]) -> set[str]:
    """The model of the arrivals, ``fixed`` where none is named; returns the keys that need no other check."""
    value, models = values.get("arrivals", Arrivals.FIXED), [each.value for each in Arrivals]
    if value not in models:
        raise BadInputError(
            where=f"{where}/arrivals",
            problem=f"got {value!r}, expected one of {', '.join(models)}",
            remedy=nearest(str(value), models),
        )
    if value != Arrivals.CLOSED:
        return {"arrivals"}
    if "arrival_rate_per_s" in values:
        raise BadInputError(
            where=f"{where}/arrival_rate_per_s",
            problem=f"got {values['arrival_rate_per_s']!r}, expected nothing: a closed model has no rate",
            remedy='leave it out, or write arrivals = "fixed"',
        )
    return {"arrivals", "arrival_rate_per_s"}


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


def _check_together(where: str, profile: Profile) -> None:
    """What no key shows by itself."""
    closed = profile.arrivals is Arrivals.CLOSED
    rate_per_s = CLOSED_RATE_PER_S * profile.workers if closed else profile.arrival_rate_per_s
    measured = rate_per_s * (profile.phase_s - profile.settle_s)
    requests = rate_per_s * experiment_s(profile)
    about = "about " if closed else ""
    problems = [
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
            "arrival_rate_per_s",
            measured < MIN_SAMPLES,
            f"got {measured:g} measured requests a phase, expected at least {MIN_SAMPLES}",
            "raise the rate or phase_s",
        ),
        (
            "rounds",
            experiment_s(profile) > MAX_EXPERIMENT_S,
            f"got {experiment_s(profile):g} s in all with {ARMS} arms, expected at most {MAX_EXPERIMENT_S:g}",
            "lower rounds or phase_s",
        ),
        (
            "rounds" if closed else "arrival_rate_per_s",
            requests > MAX_REQUESTS,
            f"got {about}{requests:g} requests in all, expected at most {MAX_REQUESTS:g}",
            f"lower {'workers' if closed else 'the rate'}, rounds or phase_s",
        ),
    ]
    for key, wrong, problem, remedy in problems:
        if wrong:
            raise BadInputError(where=f"{where}/{key}", problem=problem, remedy=remedy)


def _relative(path: Path) -> str:
    absolute = path.absolute()
    return str(absolute.relative_to(PROJECT_ROOT)) if absolute.is_relative_to(PROJECT_ROOT) else str(path)
