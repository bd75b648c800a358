"""How a lighter instrument samples the arms of a profile: at a low rate, alone and beside Locust. Pure.

*Alone* is what the mesh costs where nothing else runs. *Beside* is the same instrument on the arm that
Locust loads at that moment, in Locust's own phases: whatever else differs between two arms (the proxies'
work, the generator's) then differs for both instruments alike, and their figures can be held against each
other round by round. A constant load in the background would be another experiment, which answers to no
figure of Locust's.
"""

from typing import Final

import msgspec

from meshproof.model.load import Arrivals, Profile

__all__ = ["ALONE_RATE_PER_S", "alone", "beside"]

SHARE: Final = 0.1  # of Locust's rate: it is to see that load, not to make it
LOWEST_RATE_PER_S: Final = 10.0  # below it a round has too few requests for a median
ALONE_RATE_PER_S: Final = 30.0  # one request at a time, with 30 ms between them
ALONE_ROUNDS: Final = 12  # ten valid ones are needed; of 0.9 s, three arms make 33 s
ALONE_PHASE_S: Final = 0.9
ALONE_SETTLE_S: Final = 0.05  # fortio starts in 10 to 30 ms; its first request makes the connection
ALONE_WARMUP_S: Final = 1.5


def alone(profile: Profile) -> Profile | None:
    """The sampling without any load; None for a profile without one rate, such as a closed model's."""
    if not profile.arrival_rate_per_s:
        return None
    return msgspec.structs.replace(
        _plain(profile, ALONE_RATE_PER_S),
        rounds=min(profile.rounds, ALONE_ROUNDS),
        phase_s=ALONE_PHASE_S,
        settle_s=ALONE_SETTLE_S,
        warmup_s=ALONE_WARMUP_S,
    )


def beside(profile: Profile) -> Profile | None:
    """The sampling in the phases of Locust's load; None for a profile without one rate to be low against."""
    if not profile.arrival_rate_per_s:
        return None
    rate = max(LOWEST_RATE_PER_S, min(ALONE_RATE_PER_S, SHARE * profile.arrival_rate_per_s))
    return _plain(profile, rate)


def _plain(profile: Profile, rate_per_s: float) -> Profile:
    return msgspec.structs.replace(
        profile,
        description=f"fortio, {rate_per_s:g} requests/s over one connection",
        users=1,
        workers=1,
        arrivals=Arrivals.FIXED,
        arrival_rate_per_s=rate_per_s,
        cpus=[],
        services=[],
        drift=False,
    )
