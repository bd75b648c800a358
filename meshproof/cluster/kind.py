"""A kind cluster of our own: bounded, offline, private, and removed again.

``pytest_kind.KindCluster`` gives the paths, the options' meaning and the pykube client. What it does without
time limits, or to clusters that are not ours, is overridden here: see docs/adr/0002-kind-cluster.md.
"""

import logging
import re
import shutil
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
import pykube
import pytest_kind
import yaml
from kubernetes import client, config

from meshproof.bundle import Bundle, ensure_node_image
from meshproof.cluster.kube import KubeApi
from meshproof.cluster.nodes import node_ready
from meshproof.engine.container import LABEL, Container, Engine
from meshproof.engine.process import Completed, run
from meshproof.engine.waiting import eventually
from meshproof.model.errors import BadInputError, HarnessError, MeshproofError, nearest
from meshproof.paths import PROJECT_ROOT

__all__ = ["AGENT_NODE_PORT", "ForeignClusterError", "KindCluster"]

AGENT_NODE_PORT: Final = 30090

_CREATE_S: Final = 300.0  # 30 to 45 s were measured; a loaded machine takes several times that
_DELETE_S: Final = 120.0
_NODE_READY_S: Final = 120.0  # image import and kubelet's first sync; 5 to 15 s were measured
_LOGS_S: Final = 60.0
_LOAD_S: Final = 120.0  # 150 MB into one node take 3 s; several nodes on a busy machine take many times that
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]*")  # kind's own rule; one path component
_NODE_LABEL: Final = "io.x-k8s.kind.cluster"


class ForeignClusterError(BadInputError):
    """A cluster of the wanted name exists and is not ours."""

    code = "FOREIGN-CLUSTER"


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What a later session must know of a kept cluster; stands beside its kubeconfig."""

    node_image_id: str
    agent_port: int
    nodes: int


class KindCluster(pytest_kind.KindCluster):  # type: ignore[misc]  # pytest-kind ships no types
    """One kind cluster of ``nodes`` nodes from the bundle's node image; the first is the control plane.

    A cluster is ours when its node containers carry the label of our node image.
    """

    def __init__(
        self,
        name: str,
        *,
        bundle: Bundle,
        engine: Engine,
        nodes: int = 1,
        kubeconfig: Path | None = None,
        image: str | None = None,
        kind_path: Path | None = None,
        kubectl_path: Path | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise BadInputError(
                where="--cluster-name",
                problem=f"got {name!r}, expected a-z, 0-9, '-' and '.'",
                remedy="it names a folder that is removed with the cluster: begin with a letter or a digit",
            )
        super().__init__(
            name,
            kubeconfig=kubeconfig,
            image=image or bundle.node_image,
            kind_path=kind_path or bundle.kind,
            kubectl_path=kubectl_path or bundle.kubectl,
        )
        self.name: str
        self.path: Path = self.path.absolute()
        self.kubeconfig_path: Path = Path(self.kubeconfig_path).absolute()
        self.bundle = bundle
        self.engine = engine
        self.nodes = nodes
        self.reused = False
        self._state: _State | None = None

    @property
    def context(self) -> str:
        """The kubeconfig's context of this cluster: the current one may be, or become, another's."""
        return f"kind-{self.name}"

    @property
    def agent_port(self) -> int:
        """The host's loopback port that leads to the agent's NodePort."""
        if self._state is None:
            raise HarnessError(
                where=self.name, problem="the cluster is not there yet", remedy="create it first"
            )
        return self._state.agent_port

    def check(self) -> None:
        """Refuse a foreign cluster of this name. Changes nothing."""
        for container in self._containers():
            if LABEL not in container.labels:
                raise ForeignClusterError(
                    where=f"--cluster-name={self.name}",
                    problem=f"a kind cluster of this name is there and not ours ({container.name})",
                    remedy="choose another --cluster-name, or delete that cluster yourself",
                )

    def create(self, config_file: Path | None = None) -> None:
        """Reuse a kept cluster of ours that answers and is what would be made now; else make a new one."""
        self.check()
        ensure_node_image(self.engine, self.bundle)
        self._state = self._kept_state()
        self.reused = self._state is not None
        if not self.reused:
            if self._containers():
                logging.getLogger(__name__).warning("removing what a dead run left of cluster %s", self.name)
            self.delete()
            self._create(config_file)
        settings = pykube.KubeConfig.from_file(str(self.kubeconfig_path))
        settings.set_current_context(self.context)
        self.api = pykube.HTTPClient(settings)

    def delete(self) -> None:
        """Remove the cluster, and its entries from the kubeconfig; nothing there is no error."""
        for container in self._containers():
            # Else kind waits 10 s for the node to shut itself down, which nobody needs.
            self.engine.run("kill", container.id, check=False)
            self.engine.remove(container)
        where = [f"--name={self.name}", f"--kubeconfig={self.kubeconfig_path}"]
        self._kind("delete", "cluster", *where, timeout=_DELETE_S)
        shutil.rmtree(self.path, ignore_errors=True)

    def kubectl(self, *args: str, **kwargs: Any) -> str:
        """Run kubectl against this cluster, at most ``timeout`` seconds (60 unless given)."""
        timeout = float(kwargs.pop("timeout", 60.0))
        return run(
            [self.kubectl_path, f"--context={self.context}", *args],
            timeout=timeout,
            env={"KUBECONFIG": str(self.kubeconfig_path)},
            **kwargs,
        ).stdout

    def api_client(self) -> client.ApiClient:
        """The official client, for this cluster and no other; ConfigException when its context is missing."""
        settings = client.Configuration()
        load: Callable[..., None] = config.load_kube_config  # the library does not annotate it
        load(config_file=str(self.kubeconfig_path), context=self.context, client_configuration=settings)
        return client.ApiClient(settings)

    def kube(self) -> KubeApi:
        """The API server as raw JSON."""
        return KubeApi(self.api_client())

    def node_container(self, node: str) -> Container:
        """The container of a node, by the node's name. Raises HarnessError for a node that is not there."""
        found = {each.name: each for each in self._containers()}
        if node not in found:
            there = ", ".join(sorted(found)) or "none"
            raise HarnessError(where=node, problem="no such node", remedy=f"the cluster has {there}")
        return found[node]

    def control_plane(self) -> Container:
        """The container of the node where the API server runs."""
        return self.node_container(f"{self.name}-control-plane")

    def load_images(self, references: Iterable[str]) -> None:
        """Bring images of the bundle that no node has from the start into every node that lacks them.

        Raises BadInputError for a reference that is not in the bundle.
        """
        held = {node.name: self._images_in(node) for node in self._containers()}
        for reference in references:
            image = self.bundle.images.get(reference)
            if image is None:
                raise BadInputError(
                    where=reference,
                    problem="no image of the bundle has this reference",
                    remedy=nearest(reference, list(self.bundle.images)),
                )
            lacking = [
                name
                for name, images in held.items()
                if not images.get(reference) or images.get(reference) != images.get(image.image_id)
            ]
            if lacking:
                where = [f"--name={self.name}", f"--nodes={','.join(lacking)}"]
                self._kind("load", "image-archive", str(image.archive), *where, timeout=_LOAD_S)

    def export_logs(self, folder: Path) -> None:
        """Write the node's journal and the pods' logs to ``folder``; failing to is not worth an error."""
        self._kind("export", "logs", str(folder), f"--name={self.name}", timeout=_LOGS_S, check=False)

    def _create(self, config_file: Path | None) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.kubeconfig_path.parent.mkdir(parents=True, exist_ok=True)
        self.kubeconfig_path.touch(0o600)
        agent_port = _free_port()
        chosen = config_file or self._write_config(agent_port)
        arguments = [f"--name={self.name}", f"--image={self.image}", f"--config={chosen}"]
        # --retain: a node that failed to start is the evidence; delete() takes it away afterwards.
        self._kind(
            "create",
            "cluster",
            "--retain",
            *arguments,
            f"--kubeconfig={self.kubeconfig_path}",
            timeout=_CREATE_S,
        )
        eventually(
            node_ready(self.kube()),
            what=f"nodes of cluster {self.name} are ready",
            within=_NODE_READY_S,
        )
        image_id = self.engine.image_id(self.image) or ""
        self._state = _State(node_image_id=image_id, agent_port=agent_port, nodes=self.nodes)
        self._state_file.write_bytes(msgspec.json.encode(self._state))

    def _write_config(self, agent_port: int) -> Path:
        template = (PROJECT_ROOT / "manifests" / "kind" / "cluster.yaml.j2").read_text()
        dns = [each.reference for each in self.bundle.images.values() if each.role == "coredns"]
        text = jinja2.Template(template, undefined=jinja2.StrictUndefined).render(
            nodes=self.nodes,
            agent_node_port=AGENT_NODE_PORT,
            agent_port=agent_port,
            coredns_tag=dns[0].rpartition(":")[2] if dns else "",
        )
        path = self.path / "kind.yaml"
        path.write_text(text)
        return path

    @property
    def _state_file(self) -> Path:
        return self.path / "state.json"

    def _kept_state(self) -> _State | None:
        """The state of a kept cluster that still answers and still is what would be made now."""
        running = [each for each in self._containers() if each.state == "running"]
        if not self._state_file.exists() or len(running) != self.nodes:
            return None
        try:
            state = msgspec.json.decode(self._state_file.read_bytes(), type=_State)
            if (state.node_image_id, state.nodes) != (self.engine.image_id(self.image), self.nodes):
                return None
            eventually(node_ready(self.kube()), what="the kept cluster answers", within=10.0)
        except (MeshproofError, msgspec.MsgspecError, config.ConfigException, yaml.YAMLError):
            return None
        return state

    def _containers(self) -> list[Container]:
        return self.engine.containers(label=f"{_NODE_LABEL}={self.name}")

    def _images_in(self, node: Container) -> dict[str, str]:
        """The manifest's digest by name; kubelet's runtime also names each image by its configuration's."""
        listed = self.engine.exec(node.id, "ctr", "--namespace=k8s.io", "images", "list").stdout
        rows = [line.split() for line in listed.splitlines()[1:]]  # REF TYPE DIGEST SIZE ...
        return {row[0]: row[2] for row in rows if len(row) > 2}

    def _kind(self, *args: str, timeout: float, check: bool = True) -> Completed:
        return run([self.kind_path, *args], timeout=timeout, env=self.engine.env, check=check)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
