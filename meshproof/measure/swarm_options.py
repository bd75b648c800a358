"""How many workers, where, on which CPUs: a profile's fields, which a run's options go before. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from meshproof.model.errors import BadInputError

__all__ = ["SWARM_FIELDS", "SwarmChoice", "check_swarm", "parse_cpus", "parse_rates"]

SWARM_FIELDS: Final = ("node", "cpus")  # of a profile that may leave them out
LOWEST_RATE: Final = 50  # of a check of the instruments: below it a phase of a second is too short
HIGHEST_RATE: Final = 5000  # more than a few workers send
MOST_CPUS: Final = 1024  # more than any node has: a slip of a digit, not a CPU
_RANGE: Final = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


@dataclass(frozen=True, kw_only=True)
class SwarmChoice:
    """What a run's options say; None leaves it to the profile."""

    workers: int | None = None
    node: str | None = None
    cpus: str | None = None

    def changes(self) -> dict[str, Any]:
        """The fields of a profile that are chosen. Raises BadInputError for what says nothing."""
        if self.node is not None and not self.node.strip():
            raise BadInputError(
                where="--load-node",
                problem=f"got {self.node!r}, expected a node's name, label=value or apart",
                remedy="leave it out where any node will do",
            )
        chosen: dict[str, Any] = {"workers": self.workers, "node": self.node}
        if self.cpus is not None:
            chosen["cpus"] = parse_cpus(self.cpus, where="--load-cpus")
        return {name: value for name, value in chosen.items() if value is not None}


def parse_cpus(text: str, *, where: str) -> list[int]:
    """``0,2-3`` is CPUs 0, 2 and 3, as taskset writes them."""
    found: set[int] = set()
    for part in text.split(","):
        matched = _RANGE.fullmatch(part.strip())
        if not matched:
            raise BadInputError(
                where=where,
                problem=f"got {text!r}, expected CPUs such as 1 or 0,2-3",
                remedy="leave it out for all of a node's",
            )
        first = int(matched[1])
        last = int(matched[2] or first)
        if last < first or last >= MOST_CPUS:
            raise BadInputError(
                where=where,
                problem=f"got {part.strip()!r}, expected CPUs from 0 to {MOST_CPUS - 1}, the lower one first",
                remedy=f"did you mean {min(first, last)}-{min(max(first, last), MOST_CPUS - 1)}?",
            )
        found.update(range(first, last + 1))
    return sorted(found)


def parse_rates(text: str, *, where: str) -> tuple[float, ...]:
    """``50,150`` is two rates of requests per second; nothing is none. Raises BadInputError."""
    rates = []
    for part in text.split(",") if text else []:
        if not re.fullmatch(r"\d{1,5}", part.strip()) or not LOWEST_RATE <= int(part) <= HIGHEST_RATE:
            raise BadInputError(
                where=where,
                problem=f"got {text!r}, expected rates from {LOWEST_RATE} to {HIGHEST_RATE} a second",
                remedy="leave the rates out for 50,150,300",
            )
        rates.append(float(part))
    return tuple(dict.fromkeys(rates))


def check_swarm(where: str, values: Mapping[str, Any]) -> None:
    """The fields of a profile that say where its workers run. Raises BadInputError."""
    node, cpus = values.get("node", ""), values.get("cpus", [])
    if not isinstance(node, str) or ("node" in values and not node.strip()):
        raise BadInputError(
            where=f"{where}/node",
            problem=f"got {node!r}, expected a node's name, label=value or apart",
            remedy="leave it out where any node will do",
        )
    fits = isinstance(cpus, list) and all(type(cpu) is int and 0 <= cpu < MOST_CPUS for cpu in cpus)
    if not fits or len(set(cpus)) != len(cpus) or ("cpus" in values and not cpus):
        raise BadInputError(
            where=f"{where}/cpus",
            problem=f"got {cpus!r}, expected a list of CPUs from 0, each once, such as [1]",
            remedy="leave it out for all of a node's",
        )
