"""Recordings as an experiment leaves them, built from latencies given per arm and round."""

from collections.abc import Callable, Mapping, Sequence

from hdrh.histogram import HdrHistogram

from meshproof.model.load import Profile, RecordedCell, RecordedPhase, Recording, Restart

ARMS = {"direct": "http://a", "control": "http://a", "mesh": "http://b"}


def profile(*, rounds: int = 12) -> Profile:
    return Profile(
        name="made-up",
        description="for a test",
        rounds=rounds,
        phase_s=2.0,
        settle_s=0.2,
        warmup_s=1.0,
        users=4,
        arrival_rate_per_s=100,
        workers=1,
        payload_bytes=0,
        keep_alive=True,
        request_timeout_s=5,
        seed=1,
    )


def histogram(values_ms: Sequence[float]) -> str:
    made = HdrHistogram(1, 60_000_000, 3)
    for value in values_ms:
        made.record_value(round(value * 1000))
    return str(made.encode().decode())


def cell(
    arm: str,
    number: int,
    service_ms: Sequence[float],
    *,
    errors: Mapping[str, int] | None = None,
    cpu_share: float = 0.2,
    lag_ms: float = 0.7,
    unsent: int = 0,
    beyond: int = 0,
) -> RecordedCell:
    failed = dict(errors or {})
    sent = len(service_ms) + sum(failed.values()) + beyond
    return RecordedCell(
        arm=arm,
        round=number,
        requests=sent,
        errors=failed,
        discarded=0,
        beyond=beyond,
        unsent=unsent,
        connections=0,
        cpu_share=cpu_share,
        service=histogram(service_ms),
        response=histogram([ms + lag_ms for ms in service_ms]),
        lag=histogram([lag_ms] * sent),
    )


def recording(
    make: Callable[[str, int], RecordedCell],
    *,
    rounds: int = 12,
    arms: Mapping[str, str] = ARMS,
    restarts: Sequence[Restart] = (),
) -> Recording:
    """One cell per arm and round from ``make(arm, round)``; phases as a schedule would lay them."""
    made = profile(rounds=rounds)
    keys = [(arm, number) for number in range(rounds) for arm in arms]
    return Recording(
        profile=made,
        arms=dict(arms),
        started="2030-01-01T00:00:00.000+00:00",
        phases=[
            RecordedPhase(arm=arm, round=n, starts_s=1 + 2.0 * k, ends_s=3 + 2.0 * k)
            for k, (arm, n) in enumerate(keys)
        ],
        cells=[make(arm, n) for arm, n in keys],
        lookups_ms={arm: [2.0, 0.1, 0.1] for arm in arms},
        warmup=dict.fromkeys(arms, (10, 0)),
        restarts=list(restarts),
    )
