"""A cluster that was kept is used again where it is what would be made now."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from meshproof.cluster.kind import KindCluster
from meshproof.model.errors import HarnessError, MeshproofError
from tests.cluster.api_server import ApiServer, a_node
from tests.cluster.kind_door import OURS, Door, kubeconfig


def test_kept_cluster_is_reused(
    kept: KindCluster, new_cluster: Callable[..., KindCluster], door: Door
) -> None:
    later = new_cluster()

    later.create()

    assert later.reused is True
    assert later.agent_port == kept.agent_port
    assert door.commands() == []


def test_current_context_of_another_cluster_is_never_used(
    kept: KindCluster, new_cluster: Callable[..., KindCluster], server: ApiServer
) -> None:
    """The option --kubeconfig may name the user's own file, whose current context is the user's to switch."""
    kept.kubeconfig_path.write_text(kubeconfig(server.url, production="https://production.example"))
    later = new_cluster()

    later.create()

    assert later.reused is True
    assert later.context == "kind-demo"
    assert later.api.config.cluster["server"] == server.url
    assert later.api_client().configuration.host == server.url
    assert kept.api_client().configuration.host == server.url


def _other_image(door: Door, _kept: KindCluster, _server: ApiServer) -> None:
    door.image_id = "sha256:" + "b" * 64


def _silent(_door: Door, _kept: KindCluster, server: ApiServer) -> None:
    server.gives("/api/v1/nodes", {"items": []})


def _stopped(door: Door, _kept: KindCluster, _server: ApiServer) -> None:
    door.containers = [replace(OURS, state="exited")]


def _damaged_state(_door: Door, kept: KindCluster, _server: ApiServer) -> None:
    (kept.path / "state.json").write_text("{")


def _no_state(_door: Door, kept: KindCluster, _server: ApiServer) -> None:
    (kept.path / "state.json").unlink()


def _no_kubeconfig(_door: Door, kept: KindCluster, _server: ApiServer) -> None:
    kept.kubeconfig_path.unlink()


def _damaged_kubeconfig(_door: Door, kept: KindCluster, _server: ApiServer) -> None:
    kept.kubeconfig_path.write_text("{")


def _context_is_missing(_door: Door, kept: KindCluster, server: ApiServer) -> None:
    kept.kubeconfig_path.write_text(kubeconfig(server.url).replace("kind-demo", "kind-other"))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_other_image, id="another-node-image"),
        pytest.param(_silent, id="does-not-answer"),
        pytest.param(_stopped, id="stopped"),
        pytest.param(_damaged_state, id="damaged-state"),
        pytest.param(_no_state, id="no-state"),
        pytest.param(_no_kubeconfig, id="no-kubeconfig"),
        pytest.param(_damaged_kubeconfig, id="damaged-kubeconfig"),
        pytest.param(_context_is_missing, id="context-is-missing"),
    ],
)
def test_kept_cluster_that_is_not_what_would_be_made_now_is_replaced(
    kept: KindCluster,
    new_cluster: Callable[..., KindCluster],
    door: Door,
    server: ApiServer,
    change: Callable[[Door, KindCluster, ApiServer], None],
) -> None:
    change(door, kept, server)
    later = new_cluster()

    _until_the_node_is_waited_for(later)

    assert later.reused is False
    changed = [each[1] for each in door.commands() if each[1] != "load"]
    assert changed == ["kill", "rm", "volume", "delete", "create"]


@pytest.mark.parametrize(("kept", "wanted"), [pytest.param(1, 2, id="more"), pytest.param(2, 1, id="fewer")])
def test_kept_cluster_of_another_number_of_nodes_is_replaced(
    new_cluster: Callable[..., KindCluster], door: Door, kept: int, wanted: int
) -> None:
    new_cluster(nodes=kept).create()
    later = new_cluster(nodes=wanted)

    later.create()

    assert later.reused is False
    assert len(door.containers) == wanted


@pytest.mark.parametrize("state", ["paused", "exited"])
def test_cluster_of_which_a_node_is_silent_is_replaced(
    new_cluster: Callable[..., KindCluster], door: Door, state: str
) -> None:
    """As a fault that was injected and never taken back leaves it."""
    new_cluster(nodes=2).create()
    door.containers[1] = replace(door.containers[1], state=state)
    later = new_cluster(nodes=2)

    later.create()

    assert later.reused is False


def test_kept_cluster_of_as_many_nodes_is_reused(new_cluster: Callable[..., KindCluster], door: Door) -> None:
    new_cluster(nodes=2).create()
    door.argv.clear()
    later = new_cluster(nodes=2)

    later.create()

    assert later.reused is True
    assert door.commands() == []


def _until_the_node_is_waited_for(cluster: KindCluster) -> None:
    """A cluster whose API is silent stays silent here after it was made again."""
    try:
        cluster.create()
    except MeshproofError as error:
        assert error.code == "WAIT-TIMED-OUT"  # noqa: PT017  # one of the table's rows ends here


@pytest.mark.usefixtures("impatient")
def test_cluster_that_did_not_become_ready_is_not_reused(
    new_cluster: Callable[..., KindCluster], server: ApiServer
) -> None:
    server.gives("/api/v1/nodes", {"items": [a_node("demo-control-plane", ready="False")]})
    cluster = new_cluster()

    with pytest.raises(HarnessError, match="nodes of cluster demo are ready"):
        cluster.create()

    assert not (cluster.path / "state.json").exists()
