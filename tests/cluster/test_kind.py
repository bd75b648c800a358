"""How a cluster is made and used: the exact commands."""

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshproof.cluster.kind import AGENT_NODE_PORT, KindCluster
from meshproof.engine.process import CommandFailedError
from meshproof.model.errors import HarnessError
from tests.cluster.kind_door import BUNDLE, ENGINE, Door


def test_new_cluster_is_made_by_kind_where_nothing_is_left_of_an_old_one(
    cluster: KindCluster, door: Door, folder: Path
) -> None:
    cluster.create()

    home = folder / ".pytest-kind/demo"
    assert door.commands() == [
        ["/bundle/kind", "delete", "cluster", "--name=demo", f"--kubeconfig={home}/kubeconfig"],
        [
            *["/bundle/kind", "create", "cluster", "--retain", "--name=demo", "--image=node:1"],
            *[f"--config={home}/kind.yaml", f"--kubeconfig={home}/kubeconfig"],
        ],
    ]
    assert cluster.reused is False


def test_kind_is_bounded_and_told_the_engine(cluster: KindCluster, door: Door) -> None:
    cluster.create()

    calls = zip(door.argv, door.options, strict=True)
    options = [said for argv, said in calls if argv[0] == "/bundle/kind"]
    assert [each["env"] for each in options] == [ENGINE.env] * 2
    assert all(each["timeout"] > 0 for each in options)


def test_containers_are_looked_for_by_the_clusters_label(cluster: KindCluster, door: Door) -> None:
    cluster.check()

    label = "label=io.x-k8s.kind.cluster=demo"
    assert door.argv == [
        ["podman", "ps", "--all", "--no-trunc", "--filter", label, "--format", "{{.ID}}"],
    ]


def test_kubeconfig_is_private(cluster: KindCluster) -> None:
    cluster.create()

    assert stat.S_IMODE(cluster.kubeconfig_path.stat().st_mode) == 0o600


def test_agents_port_is_mapped_to_a_loopback_port(cluster: KindCluster) -> None:
    cluster.create()

    written = yaml.safe_load((cluster.path / "kind.yaml").read_text())
    assert written["nodes"][0]["extraPortMappings"] == [
        {
            "containerPort": AGENT_NODE_PORT,
            "hostPort": cluster.agent_port,
            "listenAddress": "127.0.0.1",
            "protocol": "TCP",
        }
    ]


def test_one_node_is_configured_as_kind_does(cluster: KindCluster) -> None:
    cluster.create()

    written = yaml.safe_load((cluster.path / "kind.yaml").read_text())
    assert [each["role"] for each in written["nodes"]] == ["control-plane"]
    assert "kubeadmConfigPatches" not in written["nodes"][0]
    assert [yaml.safe_load(each)["kind"] for each in written["kubeadmConfigPatches"]] == [
        *("KubeProxyConfiguration", "KubeletConfiguration")
    ]


def test_dns_is_the_bundles(new_cluster: Callable[..., KindCluster]) -> None:
    cluster = new_cluster()
    image = replace(
        BUNDLE.images["node:1"], reference="registry.k8s.io/coredns/coredns:v1.15.0", role="coredns"
    )
    cluster.bundle = replace(BUNDLE, images={**BUNDLE.images, image.reference: image})

    cluster.create()

    written = yaml.safe_load((cluster.path / "kind.yaml").read_text())
    (patch,) = [each for each in map(yaml.safe_load, written["kubeadmConfigPatches"]) if "dns" in each]
    assert patch == {"kind": "ClusterConfiguration", "dns": {"imageTag": "v1.15.0"}}


def test_with_several_nodes_the_control_plane_takes_workloads_too(
    new_cluster: Callable[..., KindCluster],
) -> None:
    cluster = new_cluster(nodes=3)

    cluster.create()

    written = yaml.safe_load((cluster.path / "kind.yaml").read_text())
    assert [each["role"] for each in written["nodes"]] == ["control-plane", "worker", "worker"]
    (patch,) = map(yaml.safe_load, written["nodes"][0]["kubeadmConfigPatches"])
    assert patch == {"kind": "InitConfiguration", "nodeRegistration": {"taints": []}}


def test_with_several_nodes_a_silent_one_is_given_up_soon(new_cluster: Callable[..., KindCluster]) -> None:
    cluster = new_cluster(nodes=2)

    cluster.create()

    written = yaml.safe_load((cluster.path / "kind.yaml").read_text())
    patches = {each["kind"]: each for each in map(yaml.safe_load, written["kubeadmConfigPatches"])}
    assert patches["KubeletConfiguration"]["nodeLeaseDurationSeconds"] == 12
    assert patches["ClusterConfiguration"]["controllerManager"]["extraArgs"] == {
        "node-monitor-grace-period": "12s",
        "node-monitor-period": "2s",
    }


def test_options_of_pytest_kind_keep_their_meaning(
    new_cluster: Callable[..., KindCluster], door: Door, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "a/b/config"
    chosen = new_cluster(
        kubeconfig=kubeconfig, image="other:2", kind_path=Path("/k/kind"), kubectl_path=Path("/k/kubectl")
    )

    chosen.create(config_file=Path("/my/kind.yaml"))
    chosen.kubectl("get", "pods")

    assert door.commands("/k/kind", "/k/kubectl") == [
        ["/k/kind", "delete", "cluster", "--name=demo", f"--kubeconfig={kubeconfig}"],
        [
            *["/k/kind", "create", "cluster", "--retain", "--name=demo", "--image=other:2"],
            *["--config=/my/kind.yaml", f"--kubeconfig={kubeconfig}"],
        ],
        ["/k/kubectl", "--context=kind-demo", "get", "pods"],
    ]


def test_failure_to_create_is_an_error_that_keeps_the_node(cluster: KindCluster, door: Door) -> None:
    door.fails = {"create"}

    with pytest.raises(CommandFailedError):
        cluster.create()

    assert [each[1] for each in door.commands()] == ["delete", "create"]


def test_port_of_a_cluster_that_is_not_there_is_an_error(cluster: KindCluster) -> None:
    with pytest.raises(HarnessError, match="create it first"):
        _ = cluster.agent_port


@pytest.mark.parametrize(
    ("options", "timeout"),
    [pytest.param({}, 60.0, id="default"), pytest.param({"timeout": 5}, 5.0, id="given")],
)
def test_kubectl_is_bounded_and_bound_to_this_cluster(
    cluster: KindCluster, door: Door, options: dict[str, Any], timeout: float
) -> None:
    cluster.kubectl("get", "pods", **options)

    assert door.argv == [["/bundle/kubectl", "--context=kind-demo", "get", "pods"]]
    assert door.options == [{"timeout": timeout, "env": {"KUBECONFIG": str(cluster.kubeconfig_path)}}]


def test_logs_are_exported_and_failing_to_is_no_error(
    cluster: KindCluster, door: Door, tmp_path: Path
) -> None:
    door.fails = {"export"}

    cluster.export_logs(tmp_path / "logs")

    assert door.argv == [["/bundle/kind", "export", "logs", f"{tmp_path}/logs", "--name=demo"]]
