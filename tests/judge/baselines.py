"""Baselines with given rounds, all of one environment unless told otherwise."""

from collections.abc import Sequence
from typing import Any

import msgspec

from meshproof.model.baseline import Baseline, Figure, Fingerprint, Measurement
from meshproof.model.run import VALID

ENVIRONMENT = Fingerprint(
    cpu="AMD EPYC 7763",
    cpus=4,
    kernel="6.8",
    engine="podman",
    kubernetes="v1.32.1",
    mesh="traefik-mesh v1.4.8",
    proxy="Traefik v2.11.24",
)
LOAD: dict[str, bool | int | float | str] = {
    "phase_s": 2.0,
    "arrival_rate_per_s": 300.0,
    "payload_bytes": 0,
    "keep_alive": False,
}


def around(centre_ms: float, reach_ms: float = 0.1, rounds: int = 20) -> list[float]:
    """Differences evenly spread over ``centre_ms`` plus and minus ``reach_ms``."""
    return [centre_ms + reach_ms * (2 * k / (rounds - 1) - 1) for k in range(rounds)]


def a_figure(differences_ms: Sequence[float], percentile: float = 50, **changed: Any) -> Figure:
    figure = Figure(
        percentile=percentile,
        direct_ms=1.0,
        noise_floor_ms=0.1,
        round_differences_ms=list(differences_ms),
    )
    return msgspec.structs.replace(figure, **changed)


def a_measurement(*figures: Figure, **changed: Any) -> Measurement:
    measured = Measurement(
        profile="standard", instrument="locust", load=LOAD, validity=VALID, figures=list(figures)
    )
    return msgspec.structs.replace(measured, **changed)


def a_baseline(*measurements: Measurement, **environment: Any) -> Baseline:
    return Baseline(
        run="20261122-200501-3f9c",
        started="2026-11-22T20:05:01Z",
        environment=msgspec.structs.replace(ENVIRONMENT, **environment),
        measurements=list(measurements),
    )


def of_rounds(differences_ms: Sequence[float], **changed: Any) -> Baseline:
    """One measurement with a median only."""
    return a_baseline(a_measurement(a_figure(differences_ms, **changed)))
