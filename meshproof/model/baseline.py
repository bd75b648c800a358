"""Baselines: the overhead of one run, small enough to commit, that later runs are judged against.

Only what the gate needs is in one: the environment that the figures belong to, and per percentile the
differences of the rounds. What follows from these (means, intervals) is reckoned again, never stored.
"""

import json
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from meshproof.model.errors import BadInputError
from meshproof.model.json_text import json_text
from meshproof.model.load import FORTIO_BESIDE
from meshproof.model.run import PRIMARY, VALID, Environment, Overhead, Run

__all__ = [
    "BASELINE_VERSION",
    "Baseline",
    "Figure",
    "Fingerprint",
    "Measurement",
    "baseline_of",
    "baseline_to_json",
    "checked",
    "parse_baseline",
]

BASELINE_VERSION: Final = "1"

_LONGEST_MS: Final = 60_000.0  # what the histograms reach to
_NOT_THE_LOAD: Final = ("name", "description", "seed", "rounds")  # of a profile: they move no figure

Milliseconds = Annotated[float, Meta(ge=0, le=_LONGEST_MS)]
Difference = Annotated[float, Meta(ge=-_LONGEST_MS, le=_LONGEST_MS)]  # of two times, in milliseconds


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to be the same for two figures to be comparable; an empty field was not recorded.

    ``kernel`` is the family that the nodes run (``6.8``): patch levels come and go with updates.
    """

    cpu: str
    cpus: Annotated[int, Meta(ge=0)]
    kernel: str
    engine: str
    kubernetes: str
    mesh: str
    proxy: str


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One percentile of the service time: mesh minus direct in every valid round."""

    percentile: Annotated[float, Meta(gt=0, lt=100)]
    direct_ms: Milliseconds
    noise_floor_ms: Milliseconds
    round_differences_ms: Annotated[list[Difference], Meta(min_length=2)]


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load profile by one generator. ``load`` is what of the profile can move a figure."""

    profile: str
    instrument: str
    load: Annotated[dict[str, bool | int | float | str], Meta(min_length=1)]
    validity: str
    figures: Annotated[list[Figure], Meta(min_length=1)]


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one run measured. ``started`` is UTC, RFC 3339."""

    baseline_version: str = BASELINE_VERSION
    run: str
    started: str
    environment: Fingerprint
    measurements: list[Measurement]


def baseline_of(run: Run) -> Baseline:
    """What a run measured, as far as it got: percentiles without the rounds behind them are left out.

    So is what only explains the difference between two instruments.
    """
    rows = [row for row in run.overhead if row.round_differences_ms and row.instrument != FORTIO_BESIDE]
    keys = dict.fromkeys((row.profile, row.instrument) for row in rows)
    return Baseline(
        run=run.run.id,
        started=run.run.started,
        environment=_fingerprint(run.environment),
        measurements=[
            _measurement(run, [row for row in rows if (row.profile, row.instrument) == key]) for key in keys
        ],
    )


def baseline_to_json(baseline: Baseline) -> str:
    """Indented, keys in the order of the fields: a change of it can be read in a commit."""
    return f"{json_text(baseline)}\n"


def parse_baseline(text: bytes, *, where: str) -> Baseline:
    """Read a baseline back. Raises BadInputError naming the field, what is there and what was expected."""
    remedy = "save the baseline again with `meshproof baseline save`"
    try:
        values = json.loads(text)  # takes NaN, which the types refuse by the name of its field
    except (ValueError, RecursionError) as error:
        problem = f"got text that is no whole JSON ({error}), expected a baseline"
        raise BadInputError(where=where, problem=problem, remedy=remedy) from error
    version = values.get("baseline_version") if isinstance(values, dict) else None
    if version != BASELINE_VERSION:
        raise BadInputError(
            where=f"{where}/baseline_version",
            problem=f"got {_shown(version)}, expected {BASELINE_VERSION!r}",
            remedy="save it again with this version of meshproof" if version else remedy,
        )
    return _converted(values, where=where, remedy=remedy)


def checked(measured: Baseline, *, where: str) -> Baseline:
    """``measured`` as it is. Raises BadInputError as ``parse_baseline`` does: a report may hold anything."""
    return _converted(
        msgspec.to_builtins(measured), where=where, remedy="measure again with `pytest suites/overhead`"
    )


def _converted(values: Any, *, where: str, remedy: str) -> Baseline:
    try:
        found = msgspec.convert(values, Baseline, strict=True)
    except msgspec.ValidationError as error:
        field, problem = _field_and_problem(str(error), values)
        raise BadInputError(where=f"{where}/{field}", problem=problem, remedy=remedy) from error
    keys = [f"{each.profile} by {each.instrument}" for each in found.measurements]
    for place, each in enumerate(found.measurements):
        field = f"{where}/measurements[{place}]"
        if keys.count(keys[place]) > 1:
            problem = f"got {keys[place]} twice, expected each measurement once"
            raise BadInputError(where=field, problem=problem, remedy=remedy)
        percentiles = [figure.percentile for figure in each.figures]
        if PRIMARY not in percentiles or len(set(percentiles)) < len(percentiles):
            problem = f"got the percentiles {percentiles}, expected {PRIMARY:g} among them, each of them once"
            raise BadInputError(where=f"{field}.figures", problem=problem, remedy=remedy)
    return found


def _field_and_problem(said: str, values: Any) -> tuple[str, str]:
    """What msgspec says of a value, as (path of the field, ``got X, expected Y``)."""
    problem, _, path = said.partition(" - at `$.")
    path = path.rstrip("`")
    if missing := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return f"{path}.{missing[1]}".lstrip("."), "got nothing, expected a value"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", problem):
        return f"{path}.{unknown[1]}".lstrip("."), "got an unknown field, expected none of that name"
    got = values
    for name, place in re.findall(r"(\w+)|\[(\d+)\]", path.partition("[...]")[0]):
        got = got[name] if name else got[int(place)]
    expected = problem.partition(", got ")[0].removeprefix("Expected ").replace("`", "")
    return path, f"got {_shown(got)}, expected {expected}"


def _shown(value: Any) -> str:
    """A value on one short line; none is said so."""
    return "nothing" if value is None else f"{value!r:.60}"


def _fingerprint(seen: Environment) -> Fingerprint:
    kernels = {_kernel_family(node.kernel) for node in seen.nodes}
    return Fingerprint(
        cpu=seen.host.cpu if seen.host else "",
        cpus=seen.host.cpus if seen.host else 0,
        kernel=", ".join(sorted(kernels)),
        engine=seen.host.engine if seen.host else "",
        kubernetes=seen.kubernetes,
        mesh=seen.mesh,
        proxy=seen.proxy,
    )


def _kernel_family(kernel: str) -> str:
    """``6.8`` of ``6.8.0-51-generic``."""
    found = re.match(r"\d+\.\d+", kernel)
    return found[0] if found else kernel


def _measurement(run: Run, rows: list[Overhead]) -> Measurement:
    profile, instrument = rows[0].profile, rows[0].instrument
    detail = next(
        (d for d in run.overhead_detail if (d.profile, d.instrument) == (profile, instrument)), None
    )
    load = detail.load if detail else {}
    return Measurement(
        profile=profile,
        instrument=instrument,
        load={name: value for name, value in load.items() if name not in _NOT_THE_LOAD},
        validity=next((row.validity for row in rows if row.validity != VALID), VALID),
        figures=[
            Figure(
                percentile=row.percentile,
                direct_ms=row.direct_ms,
                noise_floor_ms=row.noise_floor_ms,
                round_differences_ms=row.round_differences_ms,
            )
            for row in sorted(rows, key=lambda row: row.percentile)
        ],
    )
