"""Taking the mesh away, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from meshproof.mesh import removal
from meshproof.mesh.adapter import MeshUninstallError
from meshproof.mesh.traefik_mesh import TraefikMesh
from tests.mesh.fake_kube import (
    DEFINITIONS,
    DEPLOYMENTS,
    DNS_CONFIG_MAPS,
    JOBS,
    NAMESPACE,
    NAMESPACES,
    PODS,
    SERVICES,
)
from tests.mesh.fakes import NOT_FOUND, STATUS

MakeMesh = Callable[..., TraefikMesh]

ZONES = {"Corefile": ".:53 {}\n#### Begin Traefik Mesh Block\n"}


def test_uninstall_removes_what_install_brought(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    working.objects[NAMESPACES] = [build.thing(NAMESPACE, labels={"dev.meshproof": "mesh"})]
    working.objects[DEFINITIONS] = [
        build.thing("ours.smi-spec.io", labels={"dev.meshproof": "mesh"}),
        build.thing("theirs.smi-spec.io"),
    ]
    working.objects[PODS] = []

    mesh = make_mesh()
    assert mesh.uninstall() >= 0

    assert working.done == [
        f"merge {DEPLOYMENTS}/traefik-mesh-controller",
        f"delete {DEFINITIONS}/ours.smi-spec.io",
        f"delete {NAMESPACES}/traefik-mesh",
    ]
    assert fake_helm.verbs == ["status", "uninstall"]
    assert mesh.leftovers() == ()


def test_uninstall_of_nothing_is_no_error(working: Any, fake_helm: Any, make_mesh: MakeMesh) -> None:
    working.objects[PODS] = []

    make_mesh().uninstall()

    assert fake_helm.verbs == ["status"]
    assert working.done == []


def test_pods_that_stay_are_told(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_PODS_END_S", 0.01)
    fake_helm.answers["status"] = STATUS
    working.objects[NAMESPACES] = [build.thing(NAMESPACE)]

    with pytest.raises(MeshUninstallError, match="pod p") as caught:
        make_mesh(install_timeout_s=0.01).uninstall()

    assert caught.value.diagnosis.code == "not-gone"


def test_pods_are_killed_where_nobody_uses_them(working: Any, fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers["status"] = STATUS

    make_mesh().uninstall(graceful=False)

    assert [each for each in working.done if "/pods/" in each] == [f"delete {PODS}/p within 0 s"]


def test_controller_can_be_stopped_by_itself(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    late = iter([build.thing("c", labels={"app": "maesh", "component": "controller"})])
    working.on_stop = lambda: working.objects[PODS].extend(late)

    make_mesh().stop_controller()

    assert working.done == [
        f"merge {DEPLOYMENTS}/traefik-mesh-controller",
        f"delete {PODS}/c within 0 s",
    ]
    assert fake_helm.verbs == []


def test_shadow_services_go_before_a_cleanup_that_would_take_long_for_many(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    late = iter([build.thing("c", labels={"app": "maesh", "component": "controller"})])
    working.on_stop = lambda: working.objects[PODS].extend(late)  # its deployment was faster
    working.objects[SERVICES] = [build.thing("shadow", labels={"app": "maesh", "type": "shadow"})]

    make_mesh().uninstall(graceful=False)

    assert working.done[1:3] == [f"delete {PODS}/c within 0 s", f"delete {SERVICES}/shadow"]
    assert fake_helm.calls[-1][-1] == "--no-hooks"


def test_shadow_services_go_where_there_is_no_release_any_more(
    build: Any, working: Any, make_mesh: MakeMesh
) -> None:
    """As in a namespace of the user's, which no uninstall takes away."""
    working.objects[PODS] = []
    working.objects[SERVICES] = [build.thing("shadow", labels={"app": "maesh", "type": "shadow"})]

    make_mesh().uninstall(graceful=False)

    assert f"delete {SERVICES}/shadow" in working.done


def test_namespace_may_stay_for_the_next_install(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    working.objects[NAMESPACES] = [build.thing(NAMESPACE, labels={"dev.meshproof": "mesh"})]
    working.objects[PODS] = []

    mesh = make_mesh()
    mesh.uninstall(namespace=False)

    assert f"delete {NAMESPACES}/{NAMESPACE}" not in working.done
    assert mesh.leftovers() == (f"Namespace {NAMESPACE}: made by an install of ours",)
    assert mesh.leftovers(namespace=False) == ()


def test_namespace_that_is_going_is_waited_for_all_the_same(
    build: Any, working: Any, make_mesh: MakeMesh
) -> None:
    """Nothing can be installed into it."""
    going = build.thing(NAMESPACE, labels={"dev.meshproof": "mesh"})
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    working.objects[NAMESPACES] = [going]
    working.objects[PODS] = []

    with pytest.raises(MeshUninstallError, match=f"namespace {NAMESPACE}"):
        make_mesh(install_timeout_s=0.01).uninstall(namespace=False)


def test_controller_ends_before_a_cleanup_that_it_would_race_with(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    """Both remove shadow services where the services of a namespace go meanwhile."""
    fake_helm.answers["status"] = STATUS
    working.objects[DNS_CONFIG_MAPS] = [build.config_map("coredns", **ZONES)]
    working.objects[PODS] = []

    make_mesh().uninstall(graceful=False)

    assert working.done[0] == f"merge {DEPLOYMENTS}/traefik-mesh-controller"
    assert fake_helm.calls[-1][-1] == "120s", "without hooks"


@pytest.mark.parametrize(
    ("corefile", "last"),
    [
        pytest.param(ZONES, "120s", id="zones-in-dns"),
        pytest.param({}, "--no-hooks", id="nothing-was-changed"),
    ],
)
def test_the_cleanup_runs_only_where_there_is_something_to_clean(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh, corefile: dict[str, str], last: str
) -> None:
    """Where the install failed for want of a DNS or an image, the cleanup would fail for the same reason."""
    fake_helm.answers["status"] = STATUS
    working.objects[DNS_CONFIG_MAPS] = [build.config_map("coredns", **corefile)]
    working.objects[PODS] = []

    make_mesh().uninstall()

    assert [each[-1] for each in fake_helm.calls if each[1] == "uninstall"] == [last]


def test_shadow_services_are_something_to_clean(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    working.objects[SERVICES] = [build.thing("s", labels={"app": "maesh", "type": "shadow"})]
    working.objects[PODS] = []

    make_mesh().uninstall()

    assert "--no-hooks" not in fake_helm.calls[-1]


def test_no_cleanup_runs_where_none_is_wanted(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    working.objects[SERVICES] = [build.thing("s", labels={"app": "maesh", "type": "shadow"})]
    working.objects[PODS] = []

    make_mesh().uninstall(cleanup=False)

    assert "--no-hooks" in fake_helm.calls[-1]


def test_a_cleanup_that_had_failed_before_is_removed(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["status"] = STATUS
    working.objects[JOBS] = [build.thing("traefik-mesh-cleanup", labels={"app": "maesh"})]
    working.objects[PODS] = []

    make_mesh().uninstall()

    assert working.done[-1] == f"delete {JOBS}/traefik-mesh-cleanup"


def test_a_prepare_that_came_to_its_work_in_the_last_moment_is_cleaned_up_after(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    """Prepare may change the DNS between our look and the end of its pod: the look is taken again."""
    fake_helm.answers["status"] = STATUS
    working.objects[DEPLOYMENTS].append(build.workload("coredns"))
    zones = [build.config_map("coredns", **ZONES)]
    working.on_stop = lambda: working.objects.update({DNS_CONFIG_MAPS: zones, PODS: []})

    make_mesh().uninstall()

    assert "--no-hooks" not in fake_helm.calls[-1]


def test_a_cleanup_that_says_why_is_quoted(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    failed = build.pod("cleanup-1", "cleanup", ready=False)
    failed["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1}}
    working.objects[PODS] = [failed]
    working.objects[DNS_CONFIG_MAPS] = [build.config_map("coredns", **ZONES)]
    working.logs["cleanup"] = "error encountered during DNS restore: configmap kube-dns cannot be found"
    fake_helm.answers |= {"status": STATUS, "uninstall": RuntimeError("Error: job failed")}

    with pytest.raises(MeshUninstallError, match="configmap kube-dns cannot be found") as caught:
        make_mesh().uninstall()

    assert caught.value.diagnosis.code == "cleanup-failed"


def test_a_cleanup_that_fails_is_told(fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers |= {"status": STATUS, "uninstall": RuntimeError("Error: timed out waiting")}

    with pytest.raises(MeshUninstallError, match="timed out waiting"):
        make_mesh().uninstall()


def test_an_uninstall_that_another_one_overtook_is_done(
    working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    def vanish() -> str:
        fake_helm.answers["status"] = NOT_FOUND
        return STATUS

    fake_helm.answers |= {"status": vanish, "uninstall": NOT_FOUND}
    working.objects[PODS] = []

    make_mesh().uninstall()

    assert fake_helm.verbs == ["status", "uninstall", "status"]
