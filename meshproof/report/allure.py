"""What Allure shows beside the results of allure-pytest: the environment, and failures by whose they are."""

import json
from pathlib import Path
from typing import Final

from meshproof.model.run import Run
from meshproof.report.store import atomic_write

__all__ = ["allure_categories", "allure_environment", "write_allure_extras"]

_SPECIAL: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_KEY_SPECIAL: Final = {**_SPECIAL, " ": "\\ ", ":": "\\:", "=": "\\=", "#": "\\#", "!": "\\!"}


def allure_environment(run: Run) -> str:
    """``environment.properties``: what was tested. Java's format, so anything beyond ASCII is escaped."""
    seen = run.environment
    rows = {
        "Run": run.run.id,
        "Mesh": seen.mesh,
        "Proxy": seen.proxy,
        "Kubernetes": seen.kubernetes,
        "CoreDNS": seen.coredns,
        "Bundle": seen.bundle_digest,
        "Nodes": ", ".join(node.name for node in seen.nodes),
        "Host": f"{seen.host.cpu}, {seen.host.cpus} CPUs, {seen.host.memory_mib} MiB" if seen.host else "",
        **{f"Setting {name}": str(value) for name, value in seen.settings.items()},
    }
    lines = (
        f"{_escaped(name, _KEY_SPECIAL)}={_escaped(value, _SPECIAL)}" for name, value in rows.items() if value
    )
    return "".join(f"{line}\n" for line in lines)


def allure_categories() -> list[dict[str, object]]:
    """``categories.json``: a result belongs to every category whose status and message fit it.

    Statuses are allure-pytest's: an xfail is ``skipped`` with a message that begins with XFAIL, an error
    that is no assertion is ``broken``.
    """
    return [
        {
            "name": "Failed requirement",
            "matchedStatuses": ["failed"],
            "messageRegex": r"(?s)(?!.*XPASS\(strict\)).*",
        },
        {
            "name": "Deviation that is gone (passed unexpectedly)",
            "matchedStatuses": ["failed"],
            "messageRegex": r"(?s).*XPASS\(strict\).*",
        },
        {"name": "Known deviation", "matchedStatuses": ["skipped"], "messageRegex": r"(?s)XFAIL.*"},
        {"name": "Inconclusive (harness or environment)", "matchedStatuses": ["broken"]},
        {
            "name": "Not supported by this version of the mesh",
            "matchedStatuses": ["skipped"],
            "messageRegex": r"(?si).*not[ _]supported.*",
        },
    ]


def write_allure_extras(folder: Path, run: Run) -> None:
    """Write both files into the folder of Allure's results, which is made if need be. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / "environment.properties", allure_environment(run))
    atomic_write(folder / "categories.json", json.dumps(allure_categories(), indent=2) + "\n")


def _escaped(text: str, special: dict[str, str]) -> str:
    return "".join(special.get(character) or _ascii(character) for character in text)


def _ascii(character: str) -> str:
    """Java reads UTF-16 code units: a character beyond the first plane is a pair of them."""
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
