"""The master's log becomes a recording, whole or not at all."""

from collections.abc import Callable

import msgspec
import pytest
from hdrh.histogram import HdrHistogram

from loadtests import cells
from loadtests.cells import Cell, line
from meshproof.measure import recording
from meshproof.measure.recording import parse_log, read_start, recording_from_json, recording_to_json
from meshproof.model.errors import HarnessError
from meshproof.model.load import Restart
from tests.measure.load_logs import ARMS, cell_record, end_line, lines, log, profile, start_line


def test_histograms_are_merged_over_the_workers() -> None:
    found = parse_log(log(), profile())

    mesh = next(cell for cell in found.cells if cell.arm == "mesh")
    service = HdrHistogram.decode(mesh.service)
    assert service.get_total_count() == 20
    assert service.get_value_at_percentile(50) == 1000
    assert service.get_value_at_percentile(100) == 2000
    assert mesh.requests == 26
    assert mesh.errors == {"HTTP 503": 2}
    assert (mesh.discarded, mesh.unsent) == (4, 2)
    assert mesh.cpu_share == pytest.approx(0.3)  # the busier worker's, not the mean
    assert mesh.cpu_s == pytest.approx(0.5)  # of both together


def test_lag_is_recorded_of_every_measured_request_errors_included() -> None:
    found = parse_log(log(), profile())

    assert HdrHistogram.decode(found.cells[0].lag).get_total_count() == 22


def test_plan_lookups_warmup_and_restarts_are_kept() -> None:
    restart = Restart(pod="x", at_s=None, reason="gone")

    found = parse_log(log(), profile(), restarts=[restart])

    assert found.arms == ARMS
    assert found.started == "2030-03-17T17:46:40.250+00:00"
    assert [phase.arm for phase in found.phases] == ["mesh", "direct", "control"]
    assert found.lookups_ms == {"direct": [], "control": [], "mesh": [1.5, 1.5]}
    assert found.warmup["mesh"] == (10, 2)
    assert found.restarts == [restart]


@pytest.mark.parametrize(
    ("cpus", "said"),
    [
        pytest.param([1], None, id="as told"),
        pytest.param([0, 1], r"worker 0 could run on the CPUs \[0, 1\], expected \[1\]", id="others, too"),
        pytest.param([], r"worker 0 could run on the CPUs \[\]", id="not said"),
    ],
)
def test_workers_that_are_not_where_they_were_pinned_are_refused(cpus: list[int], said: str | None) -> None:
    pinned = msgspec.structs.replace(profile(), cpus=[1])
    ours = [text.replace('"lookups_ms"', f'"cpus":{cpus},"lookups_ms"') for text in lines()]

    if said is None:
        assert parse_log(log(ours), pinned).worker_cpus == [[1], [1]]
        return
    with pytest.raises(HarnessError, match=said):
        parse_log(log(ours), pinned)


def test_recording_with_what_sampled_beside_it_is_read_back_the_same() -> None:
    part = parse_log(log(), profile())
    found = msgspec.structs.replace(part, alone=part, beside=part, worker_nodes=["lab-worker"])

    assert recording_from_json(recording_to_json(found)) == found


def test_everything_that_was_sent_counts_the_warm_up_too() -> None:
    found = parse_log(log(), profile())

    assert found.sent("mesh") == (36, 4)
    assert found.sent("direct") == (26, 2)


def test_saved_recording_is_read_back_the_same() -> None:
    found = parse_log(log(), profile())

    assert recording_from_json(recording_to_json(found)) == found


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.97])
def test_log_that_was_cut_off_is_refused(cut: float) -> None:
    whole = log()

    with pytest.raises(HarnessError, match="load generator's log"):
        parse_log(whole[: int(len(whole) * cut)], profile())


def test_log_that_lost_its_beginning_is_refused() -> None:
    with pytest.raises(HarnessError, match="expected one start and one end line"):
        parse_log(log()[200:], profile())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda ours: ours[:-1], "missing [(1, 'mesh', 0)]", id="a cell is missing"),
        pytest.param(lambda ours: [*ours, ours[-1]], "doubled [(1, 'mesh', 0)]", id="a cell comes twice"),
        pytest.param(
            lambda ours: [*ours, line(cell_record("mesh", worker=7))],
            "unknown [(7, 'mesh', 0)]",
            id="a cell of nobody",
        ),
        pytest.param(lambda ours: [ours[0], *ours[2:]], "1 of 2 workers", id="a worker is missing"),
        pytest.param(lambda ours: [ours[0], *ours], "expected one start", id="two starts"),
        pytest.param(lambda ours: [*ours, cells.PREFIX + "{garbage"], "a line is damaged", id="garbage"),
        pytest.param(lambda ours: [*ours, cells.PREFIX + "[]"], "a line is damaged", id="no object"),
        pytest.param(lambda ours: [*ours, cells.PREFIX + "{}"], "not a record", id="no kind"),
        pytest.param(
            lambda ours: [*ours[:-1], line(cell_record("mesh", worker=1) | {"requests": "9"})],
            "a line does not fit",
            id="wrong type",
        ),
        pytest.param(
            lambda ours: [*ours[:-1], line(cell_record("mesh", worker=1) | {"requests": 99})],
            "99 sent, 13 accounted for",
            id="counts that do not add up",
        ),
        pytest.param(
            lambda ours: [*ours[:-1], line(cell_record("mesh", worker=1) | {"service": "HISTxx"})],
            "not a histogram",
            id="histogram that is none",
        ),
        pytest.param(
            lambda ours: [*ours[:-1], line(cell_record("mesh", worker=1) | {"wall_s": 0})],
            "a phase that lasted 0 s",
            id="phase without a length",
        ),
    ],
)
def test_log_that_is_not_whole_is_refused(spoil: Callable[[list[str]], list[str]], said: str) -> None:
    with pytest.raises(HarnessError) as refused:
        parse_log(log(spoil(lines())), profile())

    assert said in str(refused.value)
    assert refused.value.evidence


def test_line_lost_in_the_middle_is_noticed_by_the_count() -> None:
    ours = lines()

    with pytest.raises(HarnessError, match="7 lines arrived of 9"):
        parse_log("\n".join([*ours[:-2], end_line(9)]), profile())


def test_failure_of_the_generator_is_told_in_its_own_words() -> None:
    text = "\n".join([start_line(), line({"kind": "failure", "problem": "1 of 2 workers were ready"}), ""])

    with pytest.raises(HarnessError, match="1 of 2 workers were ready"):
        parse_log(text, profile())
    with pytest.raises(HarnessError, match="1 of 2 workers were ready"):
        read_start(text)


def test_start_is_read_from_a_log_that_still_grows() -> None:
    text = "hello\n" + start_line() + "\n"

    started = read_start(text)

    assert started
    assert started.workers == 2
    assert read_start("hello\n") is None
    assert read_start(text[:-40]) is None
    assert read_start("") is None


def test_prefix_is_the_one_that_is_printed() -> None:
    assert recording.PREFIX == cells.PREFIX


def test_recording_from_before_the_workers_clocks_were_kept_is_read() -> None:
    early = [line.replace('"late":', '"later":') for line in lines()]

    assert {cell.late for cell in parse_log(log(early), profile()).cells} == {""}


def test_clocks_of_all_workers_are_merged() -> None:
    for cell in parse_log(log(), profile()).cells:
        assert HdrHistogram.decode(cell.late).get_total_count() == 6


def test_request_that_never_came_back_is_an_error() -> None:
    cell = Cell(arm="mesh", round=0, wall_s=1.0)

    cell.sent(lag_ms=0.1, settling=False)

    assert cell.as_record()["errors"] == {"unfinished": 1}


def test_response_time_holds_the_waiting_and_ends_with_the_histogram() -> None:
    cell = Cell(arm="mesh", round=0, wall_s=1.0)

    for service_ms, lag_ms in ((1.0, 2.0), (59_999.0, 5_000.0), (0.0, 0.0)):
        cell.sent(lag_ms=lag_ms, settling=False)
        cell.answered(service_ms=service_ms, lag_ms=lag_ms, settling=False)

    record = cell.as_record()
    response = HdrHistogram.decode(record["response"])
    assert response.get_total_count() == 3
    assert response.get_value_at_percentile(50) == pytest.approx(3000, rel=0.001)
    assert response.get_max_value() == pytest.approx(60_000_000, rel=0.001)
    assert response.get_min_value() == 1
    assert HdrHistogram.decode(record["lag"]).get_total_count() == 3


def test_latency_beyond_the_histogram_is_counted() -> None:
    cell = Cell(arm="mesh", round=0, wall_s=1.0)

    cell.sent(lag_ms=0.1, settling=False)
    cell.answered(service_ms=60_001, lag_ms=0.1, settling=False)

    assert cell.as_record()["beyond"] == 1
    assert cell.as_record()["errors"] == {}
