"""Where the generator may run: chosen among the cluster's nodes, or refused with the reason."""

from typing import Any

import msgspec
import pytest

from meshproof.measure.placement import ANYWHERE, Placement, affinity, place
from meshproof.measure.profile import load_profile
from meshproof.model.errors import BadInputError


def node(name: str, *, cpus: int = 2, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "status": {"capacity": {"cpu": str(cpus)}}}


def pod(name: str, where: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"nodeName": where}}


NODES = [node("lab-control-plane"), node("lab-worker", pool="load"), node("lab-worker2", cpus=4, pool="load")]
LOADED = [pod("overhead-1", "lab-worker"), pod("proxy-1", "lab-control-plane"), pod("proxy-2", "lab-worker")]


def placed(*, chosen: str = "", cpus: list[int] | None = None, loaded: Any = LOADED) -> Placement:
    profile = msgspec.structs.replace(load_profile("standard"), node=chosen, cpus=cpus or [])
    return place(profile, NODES, loaded, where="the load of standard")


@pytest.mark.parametrize(
    ("chosen", "nodes"),
    [
        pytest.param("", (), id="anywhere"),
        pytest.param("lab-worker", ("lab-worker",), id="a name"),
        pytest.param("pool=load", ("lab-worker", "lab-worker2"), id="a label"),
        pytest.param("apart", ("lab-worker2",), id="apart"),
    ],
)
def test_node_is_found(chosen: str, nodes: tuple[str, ...]) -> None:
    assert placed(chosen=chosen).nodes == nodes


def test_pods_go_to_any_of_the_chosen_nodes_tainted_or_not() -> None:
    spec = affinity(placed(chosen="pool=load"))

    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["matchFields"][0]["values"] for term in terms["nodeSelectorTerms"]] == [
        ["lab-worker"],
        ["lab-worker2"],
    ]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert affinity(ANYWHERE) == {}


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        pytest.param("lab-wroker", r"no node has that name; did you mean 'lab-worker'\?", id="a slip"),
        pytest.param("pool=laod", r"no node has that label; did you mean 'pool=load'\?", id="another label"),
        pytest.param("x=y", "no node has that label; use one of pool=load", id="nothing near"),
        pytest.param("apart ", r"no node has that name; did you mean 'apart'\?", id="a blank"),
    ],
)
def test_node_that_does_not_exist_is_refused_with_the_nearest(chosen: str, why: str) -> None:
    with pytest.raises(BadInputError, match=rf"the load of standard/node: got '{chosen}', and {why}"):
        placed(chosen=chosen)


def test_apart_is_refused_where_every_node_runs_a_part_of_it() -> None:
    with pytest.raises(BadInputError, match="proxy-3 on lab-worker2") as refused:
        placed(chosen="apart", loaded=[*LOADED, pod("proxy-3", "lab-worker2")])

    assert "overhead-1 on lab-worker" in str(refused.value)


def test_cpu_must_be_one_of_every_node_that_it_may_be() -> None:
    assert placed(cpus=[1]).cpus == (1,)
    assert placed(cpus=[0, 3], chosen="lab-worker2").cpus == (0, 3)
    with pytest.raises(BadInputError, match=r"got 3, expected a CPU of lab-control-plane, which has 0 to 1"):
        placed(cpus=[3])
