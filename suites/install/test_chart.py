"""The chart as text: what it would run, hooks and what only some values bring included."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fixtures.catalogue import requirement
from fixtures.lifecycle import Render
from fixtures.session import Session
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi
from meshproof.mesh.images import full_reference
from meshproof.mesh.traefik_mesh import TraefikMesh

EVERYTHING: Final = {"acl": True, "kubedns": True}  # no value takes a container away that these bring
PARTS: Final = {
    "prepare",
    "controller",
    "proxy",
    "cleanup",
    "coredns",
}  # containers, the release's name before them
BEYOND_THE_POD: Final = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")


@requirement("TM-INSTALL-010")
def test_chart_names_locked_images_only(render: Render, session: Session, evidence: Facts) -> None:
    """Every container of every object, init containers and hooks included, has an image of the bundle."""
    locked = {full_reference(each) for each in session.bundle.images}

    named = {each.where: each.image for each in render(EVERYTHING).containers()}

    evidence.record({"images": named})
    assert {where.rpartition(" ")[2].rpartition("-")[2] for where in named} >= PARTS, (
        "a part was not looked at"
    )
    assert {where: image for where, image in named.items() if full_reference(image) not in locked} == {}


@requirement("TM-INSTALL-021")
def test_nothing_reaches_beyond_its_pod(
    render: Render, kube: KubeApi, mesh: TraefikMesh, evidence: Facts
) -> None:
    """No pod shares a namespace, a port or a folder with its node; none can write to its own image."""
    looked_at = []

    for where, spec in every_pod(render, kube, mesh):
        looked_at.append(where)
        assert {key: spec[key] for key in BEYOND_THE_POD if spec.get(key)} == {}, where
        assert [each["name"] for each in spec.get("volumes", []) if "hostPath" in each] == [], where
        for container in containers(spec):
            ports = [each.get("hostPort") for each in container.get("ports", []) if each.get("hostPort")]
            assert ports == [], f"{where}: {container['name']} takes ports of the node"
            writable = not container.get("securityContext", {}).get("readOnlyRootFilesystem")
            assert not writable, f"{where}: {container['name']} can write to its root file system"
    evidence.record({"looked_at": looked_at})
    assert any(each.startswith("running") for each in looked_at)


@requirement("TM-INSTALL-027")
def test_every_container_says_what_it_needs(
    render: Render, kube: KubeApi, mesh: TraefikMesh, evidence: Facts
) -> None:
    """Requests tell the scheduler what the mesh takes; a memory limit bounds a leak to its pod."""
    said: dict[str, Any] = {}

    for where, spec in every_pod(render, kube, mesh):
        for container in containers(spec):
            resources = container.get("resources", {})
            said[f"{where}, {container['name']}"] = resources
    evidence.record({"resources": said})
    assert said
    assert {
        where: resources
        for where, resources in said.items()
        if not (
            {"cpu", "memory"} <= resources.get("requests", {}).keys()
            and "memory" in resources.get("limits", {})
        )
    } == {}


def every_pod(render: Render, kube: KubeApi, mesh: TraefikMesh) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The specifications of the mesh's pods: those that run, and those that the chart could bring."""
    for pod in kube.items(f"/api/v1/namespaces/{mesh.settings.namespace}/pods"):
        yield f"running {pod['metadata']['name']}", pod["spec"]
    yield from render(EVERYTHING).pod_specs()


def containers(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All containers of a pod, init containers included."""
    return [*spec["containers"], *spec.get("initContainers", [])]
