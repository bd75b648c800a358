"""``meshproof doctor``: what this host has, what is in the way, and what to do about it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from meshproof.engine.finding import Finding, Purpose
from meshproof.engine.host import HostFacts, read_host
from meshproof.engine.mend import Attempt, mend_host
from meshproof.engine.preflight import examine_all
from meshproof.model.errors import BadInputError, ExitCode
from meshproof.paths import cache_root

__all__ = ["For", "doctor"]

_COLOUR: Final = {"ok": "green", "warning": "yellow", "problem": "red"}


class For(StrEnum):
    """What the host is examined for."""

    BUILD = "build"
    RUN = "run"
    BOTH = "both"


_PURPOSES: Final = {
    For.BUILD: frozenset({Purpose.BUILD}),
    For.RUN: frozenset({Purpose.RUN}),
    For.BOTH: frozenset(Purpose),
}


def doctor(
    *,
    fix: Annotated[
        bool, typer.Option("--fix/--no-fix", help="Mend what root may, until the next boot.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    purpose: Annotated[
        For, typer.Option("--for", help="'run' needs no compiler: enough where the bundle was brought along.")
    ] = For.BOTH,
) -> None:
    """Examine this host for building the bundle and for running a cluster.

    Every line says what was found, why it matters and, where something is in the way, the exact remedy.
    As root it mends what lasts until the next boot (inotify limits, an empty /lib/modules). The same
    examination runs before every build and every run; here you see all of it.

    Exit code 0: usable (warnings are only shown). 4: a problem is left.

    MESHPROOF_ENGINE=docker or podman chooses the engine; MESHPROOF_CACHE the folder that is measured.
    """
    try:
        facts, findings, attempts = _examined(_PURPOSES[purpose], fix=fix)
    except BadInputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    usable = all(finding.severity != "problem" for finding in findings)
    if as_json:
        typer.echo(_json(facts, findings, attempts, usable=usable))
    else:
        _show(Console(), facts, findings, attempts)
    raise typer.Exit(ExitCode.PASSED if usable else ExitCode.BAD_INPUT)


def _examined(purposes: frozenset[Purpose], *, fix: bool) -> tuple[HostFacts, list[Finding], list[Attempt]]:
    cache = cache_root()
    facts = read_host(cache)
    findings = examine_all(facts, purposes=purposes)
    attempts = mend_host(findings) if fix else []
    if attempts:
        facts = read_host(cache)
        findings = examine_all(facts, purposes=purposes)
    return facts, findings, attempts


def _json(facts: HostFacts, findings: Sequence[Finding], attempts: Sequence[Attempt], *, usable: bool) -> str:
    whole = {
        "usable": usable,
        "findings": [
            {**asdict(finding), "mendable": str(finding.mendable) if finding.mendable else None}
            for finding in findings
        ],
        "mended": [str(attempt) for attempt in attempts],
        "host": asdict(facts),
    }
    return json.dumps(whole, indent=2)


def _show(
    console: Console, facts: HostFacts, findings: Sequence[Finding], attempts: Sequence[Attempt]
) -> None:
    table = Table(title=escape(f"{facts.system}, cache {facts.cache}"), title_justify="left", show_lines=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", ratio=4)
    table.add_column("why it matters", ratio=4)
    table.add_column("remedy", ratio=4)
    for finding in findings:
        colour = _COLOUR[finding.severity]
        table.add_row(
            f"[{colour}]{finding.severity}[/]",
            f"[bold]{escape(finding.code)}[/]\n{escape(finding.what)}",
            escape(finding.why),
            escape(finding.remedy),
        )
    console.print(table)
    for attempt in attempts:
        console.print(f"mended: {attempt}", markup=False)
    problems = sum(finding.severity == "problem" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    console.print(f"{problems} problem(s), {warnings} warning(s)", markup=False)
