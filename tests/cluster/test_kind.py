"""The exact commands of a cluster's life, and what is never done to what is not ours."""

import contextlib
import json
import logging
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshproof.bundle import Bundle, BundledImage
from meshproof.cluster import kind as module
from meshproof.cluster.kind import AGENT_NODE_PORT, ForeignClusterError, KindCluster
from meshproof.engine import container as engine_module
from meshproof.engine.container import LABEL, Container, Engine
from meshproof.engine.process import CommandFailedError, Completed
from meshproof.engine.waiting import eventually
from meshproof.model.errors import BadInputError, HarnessError, MeshproofError
from tests.cluster.api_server import ApiServer, a_node

IMAGE_ID = "sha256:" + "a" * 64
ENGINE = Engine(name="podman", program="podman", env={"CONTAINERS_CONF": "/c", "X": "podman"})
OURS = Container(id="1", name="demo-control-plane", state="running", labels={LABEL: "image"})
FOREIGN = replace(OURS, labels={"io.x-k8s.kind.cluster": "demo"})
BUNDLE = Bundle(
    digest="sha256:d",
    root=Path("/bundle"),
    images={
        "node:1": BundledImage(
            reference="node:1",
            role="node",
            digest=IMAGE_ID,
            image_id=IMAGE_ID,
            archive=Path("/bundle/node.tar"),
            size=1,
        )
    },
    node_image="node:1",
    kind=Path("/bundle/kind"),
    helm=Path("/bundle/helm"),
    kubectl=Path("/bundle/kubectl"),
    versions={},
)


class Door:
    """Stands for the door to subprocesses: an engine with a few containers, and a kind that makes one."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.argv: list[list[str]] = []
        self.options: list[dict[str, Any]] = []
        self.containers: list[Container] = []
        self.image_id = IMAGE_ID
        self.fails: set[str] = set()  # first words of commands that fail

    def __call__(self, argv: list[str | Path], **options: Any) -> Completed:
        command = [str(part) for part in argv]
        self.argv.append(command)
        self.options.append(options)
        failed = command[1] in self.fails
        said = "" if failed else self._said(command)
        done = Completed(argv=tuple(command), returncode=int(failed), stdout=said, stderr="", seconds=0)
        if failed and options.get("check", True):
            raise CommandFailedError(done)
        return done

    def commands(self, *programs: str) -> list[list[str]]:
        """Calls that changed something."""
        asks = ({"ps", "inspect", "image"}, {"/bundle/kind", "podman"} if not programs else set(programs))
        return [each for each in self.argv if each[1] not in asks[0] and each[0] in asks[1]]

    def _said(self, command: list[str]) -> str:
        match command[1]:
            case "ps":
                return "\n".join(each.id for each in self.containers)
            case "inspect":
                return json.dumps([_inspected(each) for each in self.containers])
            case "image":
                return self.image_id
            case "rm":
                self.containers = [each for each in self.containers if each.id != command[-1]]
            case "create":
                self.containers.append(OURS)
                path = next(
                    Path(each.partition("=")[2]) for each in command if each.startswith("--kubeconfig=")
                )
                path.write_text(_kubeconfig(self.api))
        return ""


def _inspected(container: Container) -> dict[str, Any]:
    return {
        "Id": container.id,
        "Name": container.name,
        "State": {"Status": container.state},
        "Config": {"Labels": dict(container.labels)},
    }


def _kubeconfig(url: str) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kind-demo",
        "clusters": [{"name": "kind-demo", "cluster": {"server": url}}],
        "contexts": [{"name": "kind-demo", "context": {"cluster": "kind-demo", "user": "kind-demo"}}],
        "users": [{"name": "kind-demo", "user": {"token": "t"}}],
    }
    return yaml.safe_dump(document)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> Door:
    server.gives("/api/v1/nodes", {"items": [a_node("demo-control-plane")]})
    door = Door(server.url)
    monkeypatch.setattr(module, "run", door)
    monkeypatch.setattr(engine_module, "run", door)
    return door


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the session was started."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def new_cluster(door: Door, folder: Path) -> Callable[..., KindCluster]:
    """Make a cluster's object, as each session does."""
    assert door.argv == []
    assert folder.is_dir()

    def make(name: str = "demo", **options: Any) -> KindCluster:
        return KindCluster(name, bundle=BUNDLE, engine=ENGINE, **options)

    return make


@pytest.fixture
def cluster(new_cluster: Callable[..., KindCluster]) -> KindCluster:
    return new_cluster()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait takes one look."""

    def one_look(look: Any, *, what: str, within: float) -> Any:
        assert within > 0
        return eventually(look, what=what, within=0.0)

    monkeypatch.setattr(module, "eventually", one_look)


@pytest.fixture
def kept(new_cluster: Callable[..., KindCluster], door: Door) -> KindCluster:
    """A cluster that an earlier session made and kept."""
    earlier = new_cluster()
    earlier.create()
    door.argv.clear()
    return earlier


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
        ["/k/kubectl", "get", "pods"],
    ]


def test_kubeconfig_that_holds_other_clusters_survives(
    new_cluster: Callable[..., KindCluster], tmp_path: Path
) -> None:
    """The option names a file that may be the user's own: kind merges into it, we must not delete it."""
    mine = tmp_path / "config"
    mine.write_text(_kubeconfig("https://production.example"))
    cluster = new_cluster(kubeconfig=mine)

    cluster.delete()

    assert "production.example" in mine.read_text()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("..", id="folder-above"),
        pytest.param(".", id="all-clusters"),
        pytest.param("../../precious", id="elsewhere"),
    ],
)
def test_name_that_is_a_path_removes_nothing(
    new_cluster: Callable[..., KindCluster], folder: Path, name: str
) -> None:
    """What is removed is named by the cluster: a name that leads elsewhere must be refused before."""
    files = [folder / "notes", folder / ".pytest-kind/other/kubeconfig", folder.parent / "precious/data"]
    for each in files:
        each.parent.mkdir(parents=True, exist_ok=True)
        each.touch()

    with contextlib.suppress(BadInputError, OSError):
        new_cluster(name).create()

    assert [each for each in files if not each.exists()] == []


def test_foreign_cluster_is_refused_untouched(cluster: KindCluster, door: Door) -> None:
    door.containers = [FOREIGN]

    with pytest.raises(ForeignClusterError, match="demo-control-plane") as caught:
        cluster.create()

    assert caught.value.exit_code == 4
    assert door.commands() == []


def test_what_a_dead_run_left_is_removed_first(
    cluster: KindCluster, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.containers = [replace(OURS, id="7", state="exited")]

    with caplog.at_level(logging.WARNING):
        cluster.create()

    assert [each[1:] for each in door.commands()[:2]] == [["kill", "7"], ["rm", "--force", "--volumes", "7"]]
    assert [each[1] for each in door.commands()[2:]] == ["delete", "create"]
    assert "removing what a dead run left of cluster demo" in caplog.text


def test_kept_cluster_is_reused(
    kept: KindCluster, new_cluster: Callable[..., KindCluster], door: Door
) -> None:
    later = new_cluster()

    later.create()

    assert later.reused is True
    assert later.agent_port == kept.agent_port
    assert door.commands() == []


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
    assert changed == ["kill", "rm", "delete", "create"]


def _until_the_node_is_waited_for(cluster: KindCluster) -> None:
    """A cluster whose API is silent stays silent here after it was made again."""
    try:
        cluster.create()
    except MeshproofError as error:
        assert error.code == "WAIT-TIMED-OUT"  # noqa: PT017  # one of the table's rows ends here


def test_deletion_takes_containers_folder_and_entries_of_the_kubeconfig(
    new_cluster: Callable[..., KindCluster], door: Door, tmp_path: Path
) -> None:
    cluster = new_cluster(kubeconfig=tmp_path / "config")
    cluster.create()
    door.containers.append(replace(OURS, id="2", name="demo-worker"))

    cluster.delete()

    assert door.containers == []
    assert door.argv[-1] == [
        *["/bundle/kind", "delete", "cluster", "--name=demo", f"--kubeconfig={tmp_path}/config"],
    ]
    assert not cluster.path.exists()


def test_deletion_of_nothing_is_no_error(cluster: KindCluster, door: Door) -> None:
    cluster.delete()
    cluster.delete()

    assert {each[1] for each in door.commands()} == {"delete"}
    assert not cluster.path.exists()


def test_container_that_is_already_dead_is_removed_all_the_same(cluster: KindCluster, door: Door) -> None:
    door.containers, door.fails = [OURS], {"kill"}

    cluster.delete()

    assert door.containers == []


def test_failure_to_create_is_an_error_that_keeps_the_node(cluster: KindCluster, door: Door) -> None:
    door.fails = {"create"}

    with pytest.raises(CommandFailedError):
        cluster.create()

    assert [each[1] for each in door.commands()] == ["delete", "create"]


@pytest.mark.usefixtures("impatient")
def test_cluster_that_did_not_become_ready_is_not_reused(
    new_cluster: Callable[..., KindCluster], server: ApiServer
) -> None:
    server.gives("/api/v1/nodes", {"items": [a_node("demo-control-plane", ready="False")]})
    cluster = new_cluster()

    with pytest.raises(HarnessError, match="node of cluster demo is ready"):
        cluster.create()

    assert not (cluster.path / "state.json").exists()


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

    assert door.argv == [["/bundle/kubectl", "get", "pods"]]
    assert door.options == [{"timeout": timeout, "env": {"KUBECONFIG": str(cluster.kubeconfig_path)}}]


def test_logs_are_exported_and_failing_to_is_no_error(
    cluster: KindCluster, door: Door, tmp_path: Path
) -> None:
    door.fails = {"export"}

    cluster.export_logs(tmp_path / "logs")

    assert door.argv == [["/bundle/kind", "export", "logs", f"{tmp_path}/logs", "--name=demo"]]
