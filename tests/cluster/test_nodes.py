"""The nodes as the cluster tells them."""

from typing import Any

import pytest

from meshproof.cluster.kube import KubeApi
from meshproof.cluster.nodes import CONTROL_PLANE, node_ready, nodes, pod_ranges
from meshproof.model.run import Node
from tests.cluster.api_server import ApiServer, a_node


def test_nodes_come_with_the_versions_they_run(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/nodes", {"items": [a_node("n")]})

    assert nodes(kube) == [
        Node(
            name="n",
            kubelet="v1.34.1",
            container_runtime="containerd://2.1.0",
            os_image="Debian",
            kernel="6.1",
        )
    ]


@pytest.mark.parametrize(
    ("listed", "met", "seen"),
    [
        pytest.param([a_node("a"), a_node("b")], True, "True: the kubelet's words", id="all-ready"),
        pytest.param([a_node("a"), a_node("b", ready="False")], False, "'b': \"False", id="one-not"),
        pytest.param([a_node("a", ready=None)], False, "Unknown: no condition yet", id="no-condition-yet"),
        pytest.param([], False, "no node yet", id="no-node"),
    ],
)
def test_look_tells_what_each_node_says(
    server: ApiServer,
    kube: KubeApi,
    listed: list[dict[str, Any]],
    met: bool,  # noqa: FBT001  # a table's column
    seen: str,
) -> None:
    server.gives("/api/v1/nodes", {"items": listed})

    look = node_ready(kube)()

    assert look.met is met
    assert seen in look.seen


def test_api_that_does_not_answer_is_not_ready_yet(server: ApiServer, kube: KubeApi) -> None:
    server.gives("/api/v1/nodes", {"message": "starting"}, 503)

    look = node_ready(kube)()

    assert look.met is False
    assert "starting" in look.seen


def test_ranges_of_pods_begin_with_the_control_planes(server: ApiServer, kube: KubeApi) -> None:
    listed = [
        {"metadata": {"name": name, "labels": labels}, "spec": {"podCIDR": pods}}
        for name, pods, labels in (
            ("a", "10.244.2.0/24", {}),
            ("z", "10.244.0.0/24", {CONTROL_PLANE: ""}),
            ("b", "10.244.1.0/24", {}),
        )
    ]
    server.gives("/api/v1/nodes", {"items": listed})

    assert list(pod_ranges(kube).items()) == [
        ("z", "10.244.0.0/24"),
        ("a", "10.244.2.0/24"),
        ("b", "10.244.1.0/24"),
    ]
