"""Where the generator ran: told among the load's facts and notes where it was chosen, else left out."""

import msgspec
import pytest

from meshproof.judge.overhead import judge_overhead
from meshproof.model.load import Recording
from tests.judge.recordings import cell, recording


def chosen(*, node: str = "", cpus: list[int] | None = None, on: list[str] | None = None) -> Recording:
    made = recording(lambda arm, n: cell(arm, n, [1.0 + (arm == "mesh") + n / 1000] * 30))
    profile = msgspec.structs.replace(made.profile, node=node, cpus=cpus or [])
    return msgspec.structs.replace(made, profile=profile, worker_nodes=on or [])


@pytest.mark.parametrize(
    ("recorded", "facts", "note"),
    [
        pytest.param(
            chosen(cpus=[0, 1]),
            {"cpus": "0, 1"},
            "the generator's 1 workers ran pinned to CPU 0, 1, by their own word",
            id="pinned",
        ),
        pytest.param(
            chosen(node="apart", on=["lab-worker2"]),
            {"node": "apart"},
            "the generator's 1 workers ran on lab-worker2",
            id="placed",
        ),
        pytest.param(
            chosen(node="apart", cpus=[1]),
            {"node": "apart", "cpus": "1"},
            "the generator's 1 workers ran on a node that is not known, pinned to CPU 1, by their own word",
            id="both",
        ),
    ],
)
def test_place_that_was_chosen_is_told(recorded: Recording, facts: dict[str, str], note: str) -> None:
    _, detail = judge_overhead(recorded)

    assert {name: detail.load.get(name) for name in facts} == facts
    assert note in detail.notes


def test_what_was_not_chosen_is_no_fact() -> None:
    """So that the gate compares with baselines from before there was a choice."""
    _, detail = judge_overhead(chosen(on=["lab-worker"]))

    assert not {"node", "cpus", "fortio_beside_per_s"} & detail.load.keys()
    assert not any("workers ran" in note for note in detail.notes)
