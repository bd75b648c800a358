"""The container engine: Docker or podman behind the few verbs that meshproof needs.

podman gets a ``containers.conf`` of our own through ``CONTAINERS_CONF``; /etc is never written.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from meshproof.engine.process import CommandFailedError, Completed, run

__all__ = ["LABEL", "Container", "Engine", "podman_settings"]

LABEL: Final = "dev.meshproof"  # on every image and container of ours; its value says what it is

_REMOVE_S: Final = 120.0  # a node that runs is killed first
_QUERY_S: Final = 60.0  # podman answers in under a second; its lock may be held by a long commit


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the engine lists it."""

    id: str
    name: str
    state: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A container engine that was found fit; ``env`` goes with every call, kind's own calls included."""

    name: Literal["docker", "podman"]
    program: str
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *args: str | Path,
        timeout: float = _QUERY_S,
        check: bool = True,
        log: Path | None = None,
        stdin: str | None = None,
    ) -> Completed:
        """Run one subcommand of the engine."""
        return run([self.program, *args], timeout=timeout, env=self.env, check=check, log=log, stdin=stdin)

    def build(self, context: Path, *, tag: str, containerfile: Path, timeout: float, log: Path) -> str:
        """Build ``containerfile`` over ``context`` as ``tag``; return the image's id (its config digest)."""
        args: list[str | Path] = ["build", "--tag", tag, "--label", f"{LABEL}=image", "--file", containerfile]
        if self.name == "podman":
            args += ["--timestamp", "0", "--network", "none"]
        self.run(*args, context, timeout=timeout, log=log)
        found = self.image_id(tag)
        assert found is not None  # noqa: S101  # the build just succeeded
        return found

    def image_id(self, reference: str) -> str | None:
        """The image's id as ``sha256:...``, or None when the engine does not hold it."""
        found = self.run("image", "inspect", "--format", "{{.Id}}", reference, check=False)
        if found.returncode != 0:
            return None
        text = found.stdout.strip()
        return text if text.startswith("sha256:") else f"sha256:{text}"

    def save(self, references: Sequence[str], archive: Path, *, timeout: float) -> None:
        """Write images with their references to one docker-archive (what kind and containerd import)."""
        form = ["--format", "docker-archive"] if self.name == "podman" else []
        several = ["--multi-image-archive"] if self.name == "podman" and len(references) > 1 else []
        self.run("save", *form, *several, "--output", archive, *references, timeout=timeout)

    def load(self, archive: Path, *, timeout: float) -> None:
        """Take the images of an archive into the engine."""
        self.run("load", "--input", archive, timeout=timeout)

    def containers(self, *, label: str) -> list[Container]:
        """All containers, running or not, that carry ``label`` (``key`` or ``key=value``)."""
        listed = self.run("ps", "--all", "--no-trunc", "--filter", f"label={label}", "--format", "{{.ID}}")
        ids = listed.stdout.split()
        if not ids:
            return []
        looked = self.run("inspect", "--type", "container", *ids, check=False)  # one may be gone by now
        try:
            details = json.loads(looked.stdout)
        except ValueError:
            raise CommandFailedError(looked) from None
        return [
            Container(
                id=each["Id"],
                name=each["Name"].lstrip("/"),
                state=each["State"]["Status"],
                labels=each["Config"]["Labels"] or {},
            )
            for each in details
        ]

    def remove(self, container: Container) -> None:
        """Remove a container at once, with its volumes: of 1 to 2 GB each, for a node.

        Under podman kind makes a node's volume itself, labelled with the node's name: ``rm`` leaves it there.
        """
        self.run("rm", "--force", "--volumes", container.id, timeout=_REMOVE_S)
        named = self.run("volume", "ls", "--quiet", "--filter", f"label={container.name}").stdout.split()
        if named:
            self.run("volume", "rm", *named, timeout=_REMOVE_S)

    def exec(self, container: str, *argv: str, timeout: float = _QUERY_S, check: bool = True) -> Completed:
        """Run a command in a container."""
        return self.run("exec", container, *argv, timeout=timeout, check=check)


def podman_settings(*, runtime: str | None, cgroupfs: bool, nofile: int | None, nproc: int | None) -> str:
    """The text of a ``containers.conf``: only what this host needs to differ from podman's own defaults."""
    containers, engine = [], []
    if nofile is not None and nproc is not None:
        containers.append(f'default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]')
    if runtime:
        engine.append(f'runtime = "{runtime}"')
    if cgroupfs:
        engine.append('cgroup_manager = "cgroupfs"')
    return "\n".join(["[containers]", *containers, "", "[engine]", *engine, ""])
