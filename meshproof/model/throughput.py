"""How many requests a path carries when every user sends as soon as it was answered."""

import msgspec

__all__ = ["Throughput"]


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Answers per second in a closed model, means over the rounds that are judged.

    ``interval_per_s`` is the 95 % interval of the mean of the rounds' differences, mesh minus direct;
    ``noise_floor_per_s`` the largest absolute bound of the same of control minus direct. In the arms
    ``limited_by_generator`` the generator was at its own limit: what the path carries there is more.
    """

    users: int
    direct_per_s: float
    control_per_s: float
    mesh_per_s: float
    difference_per_s: float
    interval_per_s: tuple[float, float]
    noise_floor_per_s: float
    rounds: int
    validity: str  # "valid", or the evidence why it is not
    limited_by_generator: list[str] = []
