"""A run in Markdown: what a CI job shows of it, whatever the cluster sent."""

import re
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from meshproof.model.run import RunState
from meshproof.model.verdict import VerdictState
from meshproof.report.commands import app
from meshproof.report.markdown import as_code, escaped, run_markdown
from meshproof.report.store import RunStore
from tests.report.attribution_results import an_attribution
from tests.report.mutant_results import mutants_of_every_state
from tests.report.runs import HOSTILE, RUN_ID, a_realistic_run, a_run, a_verdict


def test_summary_has_sentence_counts_failures_and_costs() -> None:
    told = run_markdown(a_realistic_run())

    assert told.startswith("## traefik-mesh v1.4.8, Traefik v2.11.24, on Kubernetes v1.32.1\n")
    assert "**2 requirements failed: TM-INSTALL-005, TM-ROUTE-003; 24 of 26 requirements hold" in told
    assert (
        "| ✕ failed | ? inconclusive | ≠ known deviation | ✓ passed | - not supported | ○ skipped |" in told
    )
    assert (
        "- **TM-INSTALL-005** Containers of the mesh MUST run as a user other than root. Subject: chart."
        in told
    )
    assert "- The mesh adds 0.55 ms at the median" in told
    assert "### ? inconclusive" in told


def test_hundred_failures_are_counted_not_listed() -> None:
    told = run_markdown(a_run(*(a_verdict(f"TM-ROUTE-{n:03}", VerdictState.FAILED) for n in range(100))))

    assert told.count("- **TM-ROUTE") == 30
    assert "- and 70 more in the report" in told


def test_summary_says_where_the_time_goes() -> None:
    found = an_attribution()
    found = msgspec.structs.replace(found, parts=[each for each in found.parts if each.part != "rate-limit"])

    assert "- The bare hop takes 0.50 ms (+0.47 to +0.53)" in run_markdown(a_run(attributions=[found]))


def test_run_that_did_not_end_says_so_first() -> None:
    told = run_markdown(a_run(a_verdict(), state=RunState.INTERRUPTED))

    assert told.splitlines()[2].startswith("> This run was interrupted")


def test_campaign_is_told_by_its_mutants() -> None:
    told = run_markdown(a_run(mutants=mutants_of_every_state()))

    assert "mutants" in told.splitlines()[2]
    assert "| ✕ failed" not in told


@given(st.text())
def test_text_of_others_makes_no_markup(text: str) -> None:
    shown = escaped(text + HOSTILE)
    code = as_code(text + "`" + HOSTILE)

    assert "\n" not in shown + code
    assert not re.search(r"(?<!\\)(\\\\)*[`|<>*_\[\]]", shown)
    assert code.count("`") == 2


def test_command_prints_it(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, run_id=RUN_ID) as store:
        store.write(a_realistic_run())

    printed = CliRunner().invoke(app, ["markdown", "--reports", str(tmp_path)], catch_exceptions=False)

    assert printed.output.startswith("## traefik-mesh v1.4.8")
