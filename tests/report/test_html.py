"""The page: self-contained, safe, the worst first."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshproof.model.comparison import Answer
from meshproof.model.mutant import MutantState
from meshproof.model.run import Environment, Run, RunInfo, RunState
from meshproof.model.verdict import Evidence, VerdictState
from meshproof.report.evidence import FACTS_SHOWN
from meshproof.report.html import duration, render_page, write_page
from tests.report.mutant_results import a_mutant
from tests.report.runs import (
    HOSTILE,
    a_comparison,
    a_realistic_run,
    a_run,
    a_verdict,
    an_environment,
    an_overhead,
)


class Page(HTMLParser):
    """The elements and the text of a page, as a browser takes it apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    """The page of a run that has everything."""
    return Page(render_page(a_realistic_run()))


def test_nothing_is_fetched_from_elsewhere(page: Page) -> None:
    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action", "xlink:href"}
    ]

    assert all(link and link.startswith(("#", "data:")) for link in links)
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_only_our_script_may_run(page: Page) -> None:
    scripts = [tag for tag, _ in page.elements if tag == "script"]
    handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    policy = next(str(a["content"]) for _, a in page.elements if "http-equiv" in a)

    assert len(scripts) == 1
    assert not handlers
    assert re.search(r"default-src 'none'.*script-src 'sha256-[\w+/=]{44}'", policy)


def test_links_lead_to_places_that_are_there_once(page: Page) -> None:
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = {str(a["href"])[1:] for tag, a in page.elements if tag == "a"}

    assert links <= set(places)
    assert len(places) == len(set(places))


def test_failures_come_before_everything_that_held(page: Page) -> None:
    order = [page.text.index(heading) for heading in ("What failed", "Known deviations")]
    order.append(page.text.rindex("Requirements\n"))  # the mutants' table has such a column, too

    assert order == sorted(order)


def test_a_state_is_told_in_words(page: Page) -> None:
    words = ("✕ failed", "? inconclusive", "≠ known deviation", "✓ passed", "- not supported", "○ skipped")
    text = " ".join(page.text.split())

    assert all(word in text for word in words)


@pytest.mark.parametrize(
    "said",
    [
        "2 requirements failed: TM-INSTALL-005, TM-ROUTE-003; 24 of 26 requirements hold",
        "The mesh adds 0.55 ms at the median (95 % interval 0.44 to 0.65 ms; noise floor 0.10 ms",
        "traefik-mesh v1.4.8, Traefik v2.11.24, on Kubernetes v1.32.1",
        "14 min 43 s",
        "pytest suites/ --mesh-profile plain",
        "sha256:4be1c0d9",
        "meshproof-worker",
        "Host: 10.96.14.7",
        "X-Forwarded-Server: traefik-mesh-proxy-7xk2p",
        "1. GET http://echo.default.traefik.mesh:80/path?q=1 → 200",
        "4.20 s",
        "the generator used 86 % of its CPU",
        "(97.5 %)",
        "+0.80 to +1.01 ms (Hodges-Lehmann)",
        "502 Bad Gateway: 3",
        "Against reports/baselines/main.json: regressed: the mesh costs 0.51 ms more at the median.",
        "+0.41 ms +0.92 ms +0.51 ms +0.38 to +0.64 ms (95 %) 2e-06 1.00, 1.02 ms decides",
        "v1.31.0 in the baseline, v1.32.1 in the run",
    ],
)
def test_the_page_says(said: str) -> None:
    text = " ".join(Page(render_page(a_realistic_run())).text.split())

    assert said.replace("Host: 10.96.14.7", "10.96.14.7:5000") in text


def hostile_run() -> Run:
    """Harmful text wherever text can stand."""
    fact: dict[str, Any] = {HOSTILE: HOSTILE, "kind": HOSTILE, "nested": {HOSTILE: [HOSTILE, {HOSTILE: 1}]}}
    evidence = [
        Evidence(test=HOSTILE, state=VerdictState.FAILED, said=HOSTILE, facts=[fact, {"url": HOSTILE}])
    ]
    verdict = a_verdict(
        HOSTILE, VerdictState.FAILED, area=HOSTILE, statement=HOSTILE, finding=HOSTILE, evidence=evidence
    )
    environment = msgspec.structs.replace(
        an_environment(), mesh=HOSTILE, proxy=HOSTILE, settings={HOSTILE: HOSTILE}, images={HOSTILE: HOSTILE}
    )
    info = RunInfo(id=HOSTILE, started=HOSTILE, note=HOSTILE, command=[HOSTILE], state=RunState.ABORTED)
    overhead = [an_overhead(profile=HOSTILE, validity=HOSTILE, instrument=HOSTILE)]
    words = {HOSTILE: HOSTILE}
    mutant = a_mutant(
        HOSTILE,
        MutantState.SURVIVED,
        profile=HOSTILE,
        breaks=HOSTILE,
        survived=[HOSTILE],
        not_judged=words,
        bystanders_failed=words,
        explained=words,
        said=words,
        equivalent=HOSTILE,
        note=HOSTILE,
    )
    calm = msgspec.structs.replace(mutant, name=f"{HOSTILE}2", state=MutantState.KILLED, bystanders_failed={})
    comparison = a_comparison(
        baseline=HOSTILE,
        profile=HOSTILE,
        instrument=HOSTILE,
        sentence=HOSTILE,
        differs={HOSTILE: (HOSTILE, HOSTILE)},
    )
    return a_run(
        verdict,
        run=info,
        environment=environment,
        overhead=overhead,
        mutants=[mutant, calm],
        comparisons=[comparison],
    )


def test_foreign_text_is_shown_and_does_nothing() -> None:
    html = render_page(hostile_run())

    assert html.count("<script") == html.count("</script>") == 1
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "<script>alert('x')</script> \\x1b[31mred\\x1b[0m \\u202egnp.exe" in Page(html).text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=40), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_no_text_breaks_out_of_its_place(page: Page, text: str, value: object) -> None:
    evidence = [Evidence(test=text, state=VerdictState.PASSED, said=text, facts=[{text: value}])]

    made = Page(render_page(a_run(a_verdict(statement=text, area=text, evidence=evidence))))

    assert {tag for tag, _ in made.elements} <= {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, attributes in made.elements for name in attributes)


@pytest.mark.parametrize("state", list(RunState))
def test_only_a_finished_run_has_no_banner(state: RunState) -> None:
    info = RunInfo(id="x", started="2026-11-22T20:05:01Z", state=state)

    html = render_page(a_run(a_verdict(), run=info))

    assert ('class="banner"' in html) == (state is not RunState.FINISHED)


def test_a_note_is_told_in_the_banner() -> None:
    info = RunInfo(id="x", started="?", state=RunState.FINISHED, note="The cluster could not be removed.")

    html = render_page(a_run(a_verdict(), run=info))

    assert "The cluster could not be removed." in html


def test_a_run_that_came_to_nothing_has_a_page() -> None:
    run = Run(run=RunInfo(id="x", started="2026-11-22T20:05:01Z"), environment=Environment())

    text = Page(render_page(run)).text

    assert "No requirement was judged." in text
    assert "Mesh not read from the cluster" in text


def test_an_overhead_without_its_detail_or_median_has_its_rounds() -> None:
    html = render_page(a_run(overhead=[an_overhead(90, 1.3)]))

    assert html.count("<svg") == 1
    assert "Mesh minus direct at p90" in html


def test_a_comparison_of_nothing_has_its_reason() -> None:
    nothing = a_comparison(
        answer=Answer.INCONCLUSIVE,
        sentence="there is no figure",
        changes=[],
        noise_floors_ms=None,
        rounds=None,
    )

    text = " ".join(Page(render_page(a_run(comparisons=[nothing]))).text.split())

    assert "? inconclusive against reports/baselines/main.json" in text
    assert "There is no figure." in text


def test_a_requirement_without_tests_is_listed() -> None:
    assert "TM-X" in Page(render_page(a_run(a_verdict("TM-X", VerdictState.SKIPPED, evidence=[])))).text


def test_facts_beyond_the_first_are_counted() -> None:
    facts: list[dict[str, Any]] = [{"n": n} for n in range(FACTS_SHOWN + 3)]
    evidence = [Evidence(test="t", state=VerdictState.PASSED, facts=facts)]

    text = Page(render_page(a_run(a_verdict(evidence=evidence)))).text

    assert "3 facts more in report.json" in text


def test_a_long_body_is_cut_and_the_rest_counted() -> None:
    evidence = [Evidence(test="t", state=VerdictState.PASSED, facts=[{"body": "x" * 10_000_000}])]

    html = render_page(a_run(a_verdict(evidence=evidence)))

    assert "9,996,000 characters more in report.json" in html
    assert len(html) < 60_000


def test_the_page_is_written_beside_the_report(tmp_path: Path) -> None:
    written = write_page(tmp_path, a_realistic_run())

    assert written == tmp_path / "report.html"
    assert written.read_text("utf-8") == render_page(a_realistic_run())


def test_the_pictures_are_files_beside_the_page(tmp_path: Path) -> None:
    write_page(tmp_path, a_realistic_run())

    files = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.svg")}
    assert files.keys() == {
        "overhead-standard-locust-curves.svg",
        "overhead-standard-locust-rounds.svg",
        "overhead-standard-fortio-rounds.svg",
    }
    for text in files.values():
        used = set(re.findall(r"var\((--\w+)\)", text))
        assert used <= set(re.findall(r"(--\w+):", text))
        assert "prefers-color-scheme: dark" in text


def test_no_name_leads_a_picture_elsewhere(tmp_path: Path) -> None:
    run = a_run(overhead=[an_overhead(profile="../../etc/x", instrument=HOSTILE * 20)])
    (tmp_path / "run").mkdir()

    write_page(tmp_path / "run", run)

    assert len(list((tmp_path / "run").glob("overhead-*-rounds.svg"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4249, "0.42 s"), (12.34, "12.3 s"), (59.9, "59.9 s"), (245, "4 min 05 s"), (3599.6, "60 min 00 s")],
)
def test_durations_are_told_as_people_read_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told
