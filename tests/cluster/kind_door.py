"""Stands for the engine and kind: commands are written down, nothing is started."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from meshproof.bundle import Bundle, BundledImage
from meshproof.engine.container import LABEL, Container, Engine
from meshproof.engine.process import CommandFailedError, Completed

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
    echo=Path("/bundle/echo"),
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
        self.images_in: dict[str, str] = {}  # what ctr lists, by the id of the node's container
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
            case "exec":
                return self.images_in.get(command[2], "")
            case "rm":
                self.containers = [each for each in self.containers if each.id != command[-1]]
            case "create":
                options = dict(
                    each.split("=", 1) for each in command if each.startswith("--") and "=" in each
                )
                self.containers += _nodes_of(Path(options["--config"]))
                Path(options["--kubeconfig"]).write_text(kubeconfig(self.api))
        return ""


def _nodes_of(config: Path) -> list[Container]:
    """The containers of the nodes that a configuration asks for; of one that is not there, one."""
    wanted = yaml.safe_load(config.read_text())["nodes"] if config.exists() else [{}]
    workers = [replace(OURS, id=f"1{index}", name=f"demo-worker{index}") for index in range(1, len(wanted))]
    return [OURS, *workers]


def _inspected(container: Container) -> dict[str, Any]:
    return {
        "Id": container.id,
        "Name": container.name,
        "State": {"Status": container.state},
        "Config": {"Labels": dict(container.labels)},
    }


def kubeconfig(url: str, **others: str) -> str:
    """The current context is the last one's."""
    servers = {"kind-demo": url, **others}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": list(servers)[-1],
        "clusters": [{"name": name, "cluster": {"server": server}} for name, server in servers.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in servers],
        "users": [{"name": name, "user": {"token": "t"}} for name in servers],
    }
    return yaml.safe_dump(document)
