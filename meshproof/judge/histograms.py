"""Reading a recording's histograms: percentiles in milliseconds, per round and pooled. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from hdrh.histogram import HdrHistogram

from meshproof.model.load import Recording

__all__ = ["CURVE", "Latencies"]

Kind = Literal["service", "response", "lag", "late"]

CURVE: Final = (  # about nine points to each further nine, which have the same width in a picture
    *(1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99),
    *(
        99.2,
        99.4,
        99.5,
        99.6,
        99.7,
        99.8,
        99.85,
        99.9,
        99.92,
        99.94,
        99.95,
        99.96,
        99.97,
        99.98,
        99.985,
        99.99,
    ),
)
_BEYOND: Final = 10  # samples that a percentile needs beyond it to be shown in a pooled curve


class Latencies:
    """A recording's histograms, decoded once."""

    def __init__(self, recording: Recording) -> None:
        self._decoded: dict[tuple[Kind, str, int], HdrHistogram] = {}
        for cell in recording.cells:
            encoded: dict[Kind, str] = {
                "service": cell.service,
                "response": cell.response,
                "lag": cell.lag,
                "late": cell.late,
            }
            for kind, text in encoded.items():
                found = HdrHistogram.decode(text) if text else HdrHistogram(1, 60_000_000, 3)
                self._decoded[kind, cell.arm, cell.round] = found

    def count(self, arm: str, number: int, kind: Kind = "service") -> int:
        """The samples of one round."""
        return int(self._decoded[kind, arm, number].get_total_count())

    def at_ms(self, arm: str, number: int, percentile: float, kind: Kind = "service") -> float:
        """A percentile of one round, by rank, to HdrHistogram's 0.1 %. 0.0 where there is no sample."""
        return float(self._decoded[kind, arm, number].get_value_at_percentile(percentile)) / 1000

    def pooled_ms(
        self, arms: Iterable[str], rounds: Sequence[int], percentiles: Sequence[float], kind: Kind = "service"
    ) -> list[tuple[float, float]]:
        """(percentile, milliseconds) over those rounds, where 10 samples or more lie beyond."""
        total = HdrHistogram(1, 60_000_000, 3)
        for arm in arms:
            for number in rounds:
                total.add(self._decoded[kind, arm, number])
        count = total.get_total_count()
        shown = [q for q in percentiles if count and count * (100 - q) / 100 >= _BEYOND]
        found = total.get_percentile_to_value_dict(shown)
        return [(float(q), found[q] / 1000) for q in shown]
