"""What a relay held requests for, by its own clock."""

import msgspec

from meshproof.model.errors import HarnessError

__all__ = ["Delays", "parse_delays"]


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """``held_us``: whole microseconds -> how many pieces were held that long; ``delay_us`` was asked for."""

    delay_us: int
    held_us: dict[int, int]

    @property
    def held(self) -> int:
        """All that were held."""
        return sum(self.held_us.values())

    def since(self, earlier: "Delays") -> "Delays":
        """What came after ``earlier``, of the same relay."""
        counts = {us: count - earlier.held_us.get(us, 0) for us, count in self.held_us.items()}
        return Delays(delay_us=self.delay_us, held_us={us: count for us, count in counts.items() if count})

    def median_ms(self) -> float:
        """The median in milliseconds. Raises HarnessError where nothing was held."""
        seen = 0
        for us, count in sorted(self.held_us.items()):
            seen += count
            if 2 * seen >= self.held:
                return us / 1000
        raise HarnessError(
            where=f"the relay with a delay of {self.delay_us} us",
            problem="it held nothing",
            remedy="look whether the load reached it",
        )


def parse_delays(text: str | bytes, *, where: str) -> Delays:
    """A relay's answer. Raises HarnessError naming the relay for any other text."""
    try:
        return msgspec.json.decode(text, type=Delays)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HarnessError(
            where=where, problem=f"it told no delays: {error}", remedy="look at the relay's log"
        ) from error
