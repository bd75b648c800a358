"""Prometheus text exposition: samples with their labels, sums and differences.

Parsing is ``prometheus_client``'s. Source of the form: Prometheus documentation, "Exposition formats".
"""

from collections.abc import Iterable, Mapping

import msgspec
from prometheus_client.parser import text_string_to_metric_families

__all__ = [
    "ExpositionError",
    "Family",
    "Sample",
    "histogram_buckets",
    "parse_exposition",
    "parse_families",
    "total",
]


class ExpositionError(ValueError):
    """The text is not a valid exposition: HTML, a truncated line, a duplicate series."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One sample: ``name{labels} value``, with its time (Unix, seconds) where the text gives one."""

    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | None = None


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under one TYPE: ``counter``, ``gauge``, ``histogram``, ``summary``, ``unknown``."""

    name: str
    type: str
    help: str
    samples: list[Sample]


def parse_families(text: str) -> list[Family]:
    """The families of a text that ``parse_exposition`` accepts."""
    parse_exposition(text)
    return [
        Family(
            name=each.name,
            type=each.type,
            help=each.documentation,
            samples=[Sample(name=one.name, labels=dict(one.labels), value=one.value) for one in each.samples],
        )
        for each in text_string_to_metric_families(text)
    ]


def parse_exposition(text: str) -> list[Sample]:
    """All samples of a text. Raises ExpositionError when it is not one, or holds a series twice."""
    try:
        samples = [
            Sample(
                name=each.name,
                labels=dict(each.labels),
                value=float(each.value),
                timestamp=None if each.timestamp is None else float(each.timestamp),
            )
            for family in text_string_to_metric_families(text)
            for each in family.samples
        ]
    except (ValueError, KeyError, IndexError) as error:
        raise ExpositionError(f"{error} in a text that begins {text[:80]!r}") from error
    series = {(each.name, frozenset(each.labels.items())) for each in samples}
    if len(series) != len(samples):
        raise ExpositionError(f"{len(samples) - len(series)} series stand there twice")
    if not samples:
        raise ExpositionError(f"no samples in a text that begins {text[:80]!r}")
    return samples


def total(samples: Iterable[Sample], name: str, where: Mapping[str, str]) -> float:
    """The sum of ``name`` over the series that carry all of ``where``; a series not there yet counts 0."""
    return sum(
        each.value
        for each in samples
        if each.name == name and all(each.labels.get(key) == value for key, value in where.items())
    )


def histogram_buckets(samples: Iterable[Sample], name: str, where: Mapping[str, str]) -> dict[float, float]:
    """Cumulative counts by upper bound, summed over the series that carry all of ``where``."""
    buckets: dict[float, float] = {}
    for each in samples:
        if each.name == f"{name}_bucket" and all(
            each.labels.get(key) == value for key, value in where.items()
        ):
            bound = float(each.labels["le"])
            buckets[bound] = buckets.get(bound, 0.0) + each.value
    return dict(sorted(buckets.items()))
