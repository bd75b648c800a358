"""What a baseline keeps of a run, and what is refused when one is read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshproof.model.baseline import baseline_of, baseline_to_json, checked, parse_baseline
from meshproof.model.errors import BadInputError
from meshproof.model.run import Environment
from tests.report.runs import LOAD, a_detail, a_realistic_run, a_run, an_overhead

SAVED = baseline_to_json(baseline_of(a_realistic_run()))


def test_baseline_keeps_what_the_gate_needs() -> None:
    run = a_realistic_run()

    kept = baseline_of(run)

    assert (kept.run, kept.started) == (run.run.id, run.run.started)
    assert msgspec.to_builtins(kept.environment) == {
        "cpu": "AMD EPYC 7763",
        "cpus": 4,
        "kernel": "6.8",
        "engine": "podman 5.3.1",
        "kubernetes": "v1.32.1",
        "mesh": "traefik-mesh v1.4.8",
        "proxy": "Traefik v2.11.24",
    }
    locust, fortio = kept.measurements
    assert [figure.percentile for figure in locust.figures] == [50, 90, 99]
    assert locust.figures[0].round_differences_ms == run.overhead[0].round_differences_ms
    assert (fortio.instrument, len(fortio.figures)) == ("fortio", 1)


def test_load_is_kept_without_what_changes_no_figure() -> None:
    kept = baseline_of(a_realistic_run()).measurements[0].load

    assert kept.keys() == LOAD.keys() - {"name", "description", "seed", "rounds"}
    assert kept["arrival_rate_per_s"] == 300


def test_what_explains_an_instrument_is_not_judged() -> None:
    rows = [an_overhead(), an_overhead(instrument="fortio"), an_overhead(instrument="fortio beside locust")]

    assert [each.instrument for each in baseline_of(a_run(overhead=rows)).measurements] == [
        "locust",
        "fortio",
    ]


def test_first_reason_that_makes_a_row_invalid_is_the_measurements() -> None:
    rows = [an_overhead(), an_overhead(90, validity="the mesh answered nothing")]

    kept = baseline_of(a_run(overhead=rows, overhead_detail=[a_detail()]))

    assert kept.measurements[0].validity == "the mesh answered nothing"


@pytest.mark.parametrize(
    ("kernels", "family"),
    [
        pytest.param(["6.8.0-51-generic", "6.8.12"], "6.8", id="one family"),
        pytest.param(["6.8.0", "5.15.0"], "5.15, 6.8", id="two"),
        pytest.param(["other"], "other", id="of another form"),
        pytest.param([], "", id="no node"),
    ],
)
def test_kernel_is_told_by_its_family(kernels: list[str], family: str) -> None:
    node = a_realistic_run().environment.nodes[0]
    nodes = [msgspec.structs.replace(node, kernel=kernel) for kernel in kernels]

    assert baseline_of(a_run(environment=Environment(nodes=nodes))).environment.kernel == family


def test_run_without_an_overhead_has_no_measurement() -> None:
    assert baseline_of(a_run()).measurements == []
    assert baseline_of(a_run(overhead=[an_overhead(round_differences_ms=[])])).measurements == []


def test_saved_baseline_reads_back() -> None:
    assert parse_baseline(SAVED.encode(), where="x") == baseline_of(a_realistic_run())


def changed(*path: str | int, to: Any) -> bytes:
    """The saved baseline with one value replaced."""
    values = json.loads(SAVED)
    at = values
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return json.dumps(values).encode()


FIGURE = ("measurements", 0, "figures", 0)
AT_FIGURE = "measurements[0].figures[0]"


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        pytest.param(b"", "", "got text that is no whole JSON (", id="empty"),
        pytest.param(SAVED[:400].encode(), "", "got text that is no whole JSON (", id="truncated"),
        pytest.param(b"\xff\xfe{", "", "got text that is no whole JSON (", id="not text"),
        pytest.param(b"[" * 100_000, "", "got text that is no whole JSON (", id="nested without end"),
        pytest.param(b"[]", "/baseline_version", "got nothing, expected '1'", id="no object"),
        pytest.param(b"{}", "/baseline_version", "got nothing, expected '1'", id="no version"),
        pytest.param(
            changed("baseline_version", to="2"), "/baseline_version", "got '2', expected '1'", id="version"
        ),
        pytest.param(
            changed(*FIGURE, "direct_ms", to=-1.0),
            f"/{AT_FIGURE}.direct_ms",
            "got -1.0, expected float >= 0.0",
            id="negative",
        ),
        pytest.param(
            changed(*FIGURE, "noise_floor_ms", to=float("nan")),
            f"/{AT_FIGURE}.noise_floor_ms",
            "got nan, expected float >= 0.0",
            id="NaN",
        ),
        pytest.param(
            changed(*FIGURE, "round_differences_ms", 3, to=float("nan")),
            f"/{AT_FIGURE}.round_differences_ms[3]",
            "got nan, expected float",
            id="NaN of a round",
        ),
        pytest.param(
            changed(*FIGURE, "round_differences_ms", 3, to=float("inf")),
            f"/{AT_FIGURE}.round_differences_ms[3]",
            "got inf, expected float <= 60000.0",
            id="infinite",
        ),
        pytest.param(
            changed(*FIGURE, "round_differences_ms", to=[0.9]),
            f"/{AT_FIGURE}.round_differences_ms",
            "got [0.9], expected array of length >= 2",
            id="one round",
        ),
        pytest.param(
            changed(*FIGURE, "percentile", to="50"),
            f"/{AT_FIGURE}.percentile",
            "got '50', expected float",
            id="text",
        ),
        pytest.param(
            changed("measurements", 0, "figures", 1, "percentile", to=50),
            "/measurements[0].figures",
            "got the percentiles [50.0, 50.0, 99.0], expected 50 among them, each of them once",
            id="a percentile twice",
        ),
        pytest.param(
            changed(*FIGURE, "percentile", to=75), "/measurements[0].figures", "expected 50", id="no median"
        ),
        pytest.param(
            changed("measurements", 1, "instrument", to="locust"),
            "/measurements[0]",
            "got standard by locust twice",
            id="a measurement twice",
        ),
        pytest.param(
            changed("environment", to={}), "/environment.cpu", "got nothing, expected a value", id="missing"
        ),
        pytest.param(
            changed("measurements", 0, "load", to={}),
            "/measurements[0].load",
            "got {}, expected object of length >= 1",
            id="no load",
        ),
        pytest.param(
            changed("measurements", 0, "load", "users", to=[1]),
            "/measurements[0].load[...]",
            "expected bool | int | float | str",
            id="load of another type",
        ),
        pytest.param(changed("later", to=1), "/later", "got an unknown field", id="unknown field"),
    ],
)
def test_what_is_no_baseline_is_refused_by_name(text: bytes, where: str, problem: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_baseline(text, where="main.json")

    assert refused.value.where == f"main.json{where}"
    assert problem in refused.value.problem
    assert refused.value.remedy


def test_report_that_holds_what_no_measurement_can_is_refused() -> None:
    run = a_run(overhead=[an_overhead(direct_ms=-1.0)], overhead_detail=[a_detail()])

    with pytest.raises(
        BadInputError, match=r"report.json/measurements\[0\].figures\[0\].direct_ms: got -1.0"
    ):
        checked(baseline_of(run), where="report.json")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_text_is_refused_in_our_own_words(text: bytes) -> None:
    with pytest.raises(BadInputError):
        parse_baseline(text, where="x")


@given(st.integers(0, len(SAVED) - 1), st.binary(min_size=1, max_size=4))
def test_any_damage_is_refused_in_our_own_words_or_reads_as_a_baseline(place: int, damage: bytes) -> None:
    text = SAVED.encode()

    try:
        found = parse_baseline(text[:place] + damage + text[place + len(damage) :], where="x")
    except BadInputError:
        return
    assert checked(found, where="x") == found
