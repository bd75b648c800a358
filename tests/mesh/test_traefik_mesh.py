"""The adapter as a whole, over a helm and a cluster that answer from tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshproof.mesh.adapter import Feature, Mesh, MeshInstallError, TraceDialect
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.errors import BadInputError, HarnessError
from tests.mesh.fake_kube import DEFINITIONS, NAMESPACE, NAMESPACES, PODS, SERVICES
from tests.mesh.fakes import NEVER_ENDS, RENDERED, STATUS

MakeMesh = Callable[..., TraefikMesh]


def test_it_is_a_mesh(make_mesh: MakeMesh) -> None:
    mesh: Mesh = make_mesh()

    assert mesh.name == "traefik-mesh"
    assert mesh.version == "v1.4.8"
    assert mesh.trace_dialect is TraceDialect.UBER_TRACE_ID
    assert make_mesh().proxy_version == "v2.11.14"


def test_what_it_does_not_do_is_declared_by_version_with_a_reason(make_mesh: MakeMesh) -> None:
    mesh = make_mesh()

    assert Feature.TRAFFIC_SPLIT in mesh.features("v1.4.8")
    assert set(mesh.unsupported("v1.4.8")) == {
        Feature.MTLS,
        Feature.TRAFFIC_METRICS,
        Feature.UDP_ACCESS_CONTROL,
    }
    assert not mesh.features("v1.4.8") & mesh.unsupported("v1.4.8").keys()
    assert all("documentation" in reason for reason in mesh.unsupported("v1.4.8").values())


def test_install_marks_what_it_brings(build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh) -> None:
    """The namespace that was missing and the CRDs that were not there before; none else."""

    def bring() -> str:
        working.objects[DEFINITIONS] += [
            build.thing("tcproutes.specs.smi-spec.io"),
            build.thing("x.other.io"),
        ]
        return ""

    fake_helm.answers["upgrade"] = bring

    assert make_mesh().install() > 0

    assert working.done == [
        "create namespace traefik-mesh",
        f"merge {DEFINITIONS}/tcproutes.specs.smi-spec.io",
    ]
    (namespace,) = working.objects[NAMESPACES]
    assert namespace["metadata"]["labels"] == {"dev.meshproof": "mesh"}
    assert fake_helm.verbs == ["template", "status", "upgrade"]


def test_install_leaves_a_namespace_that_is_there_as_it_is(
    build: Any, working: Any, make_mesh: MakeMesh
) -> None:
    working.objects[NAMESPACES] = [build.thing(NAMESPACE)]

    make_mesh().install()

    assert working.done == []


def test_the_users_values_stand_between_the_profiles_and_ours(
    fake_helm: Any, make_mesh: MakeMesh, tmp_path: Path
) -> None:
    user = tmp_path / "user.yaml"
    user.write_text("acl: true\n")

    make_mesh(defaults={"acl": False}, values=(user,), overrides={"kubedns": True}).install()

    upgrade = next(each for each in fake_helm.calls if each[1] == "upgrade")
    files = [upgrade[at + 1] for at, word in enumerate(upgrade) if word == "--values"]
    assert files[1] == str(user)
    assert [Path(each).name for each in (files[0], files[2])] == ["defaults.yaml", "overrides.yaml"]
    assert fake_helm.values[-1] == [{"kubedns": True}]


def test_upgrade_lays_new_overrides_over_the_old(fake_helm: Any, make_mesh: MakeMesh) -> None:
    mesh = make_mesh(overrides={"tracing": {"jaeger": {"enabled": False}}})

    mesh.upgrade({"tracing": {"jaeger": {"gen128Bit": True}}, "acl": True})

    assert mesh.settings.overrides == {
        "tracing": {"jaeger": {"enabled": False, "gen128Bit": True}},
        "acl": True,
    }
    assert fake_helm.values[-1] == [mesh.settings.overrides]


def test_an_upgrade_with_bad_values_changes_nothing(fake_helm: Any, make_mesh: MakeMesh) -> None:
    mesh = make_mesh(overrides={"acl": True})
    fake_helm.answers["template"] = RuntimeError("Error: values don't meet the specifications")

    with pytest.raises(BadInputError, match="specifications"):
        mesh.upgrade({"nonsense": 1})

    assert mesh.settings.overrides == {"acl": True}
    assert fake_helm.verbs == ["template"]


def test_an_image_outside_the_bundle_stops_everything_before_it_starts(
    working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["template"] = RENDERED.replace("v2.11.14", "v3.0.0")

    with pytest.raises(BadInputError, match=r"traefik:v3\.0\.0 is not in the bundle"):
        make_mesh().install()

    assert fake_helm.verbs == ["template"]
    assert working.done == []


def test_a_chart_of_something_else_is_refused(fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers["template"] = RENDERED.replace("maesh-mesh", "web")

    with pytest.raises(BadInputError, match="component=maesh-mesh"):
        make_mesh().check()


def test_the_users_files_are_checked(make_mesh: MakeMesh, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file or folder"):
        make_mesh(chart=tmp_path / "nowhere.tgz").check()
    with pytest.raises(BadInputError, match="cannot be read"):
        make_mesh(values=(tmp_path / "nowhere.yaml",)).check()


def test_a_release_that_was_cut_short_is_refused_with_the_remedy(fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers["status"] = '{"info": {"status": "pending-install"}}'

    with pytest.raises(MeshInstallError, match="helm uninstall traefik-mesh"):
        make_mesh().install()

    assert "upgrade" not in fake_helm.verbs


def test_helms_refusal_becomes_a_diagnosis(fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers["upgrade"] = RuntimeError('Error: namespaces is forbidden: User "dev" cannot create')

    with pytest.raises(MeshInstallError) as caught:
        make_mesh().install()

    assert caught.value.diagnosis.code == "forbidden"
    assert make_mesh().diagnose(caught.value) is caught.value.diagnosis


def test_cluster_that_helm_does_not_reach_says_nothing_about_the_mesh(
    fake_helm: Any, make_mesh: MakeMesh
) -> None:
    fake_helm.answers["upgrade"] = RuntimeError(
        'Error: Kubernetes cluster unreachable: context "kind-demo" does not exist'
    )

    with pytest.raises(HarnessError, match='context "kind-demo" does not exist') as caught:
        make_mesh().install()

    assert type(caught.value) is HarnessError


def test_helm_that_does_not_end_becomes_a_diagnosis(fake_helm: Any, make_mesh: MakeMesh) -> None:
    fake_helm.answers["upgrade"] = NEVER_ENDS

    with pytest.raises(MeshInstallError, match="helm did not end: still running after 135 s") as caught:
        make_mesh().install()

    assert caught.value.diagnosis.code == "helm-timed-out"
    assert "creating 12 resource(s)" in caught.value.evidence
    assert "release traefik-mesh: helm was ended at its time limit" in caught.value.evidence


def test_helm_that_does_not_end_for_a_known_cause_names_that_cause(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    stuck = build.pod("c", "controller", ready=False)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    stuck["status"]["containerStatuses"][0]["state"] = waiting
    working.objects[PODS] = [stuck]
    fake_helm.answers["upgrade"] = NEVER_ENDS

    with pytest.raises(MeshInstallError) as caught:
        make_mesh().install()

    assert caught.value.diagnosis.code == "image-missing"
    assert "creating 12 resource(s)" in caught.value.evidence


def test_every_call_to_the_cluster_names_its_context(
    build: Any, working: Any, fake_helm: Any, make_mesh: MakeMesh
) -> None:
    """The kubeconfig may be the user's own, whose current context may become another cluster's."""
    working.objects[NAMESPACES] = [build.thing(NAMESPACE)]
    mesh = make_mesh()

    mesh.install()
    fake_helm.answers["status"] = STATUS
    working.objects[PODS] = []
    mesh.uninstall()

    calls = [each for each in fake_helm.calls if each[1] != "template"]
    assert {each[1] for each in calls} == {"status", "upgrade", "uninstall"}
    assert [each[each.index("--kube-context") + 1] for each in calls] == ["kind-demo"] * len(calls)


def test_its_pods_are_told_by_what_they_are_and_its_services_counted(
    build: Any, working: Any, make_mesh: MakeMesh
) -> None:
    mesh = make_mesh()
    working.objects[SERVICES] = [
        build.thing("traefik-mesh-controller", labels={"app": "maesh"}),
        build.thing("traefik-mesh-a", labels={"app": "maesh", "type": "shadow"}),
        build.thing("traefik-mesh-b", labels={"app": "maesh", "type": "shadow"}),
    ]

    labels = dict(mesh.components())

    assert labels == {"proxy": "component=maesh-mesh", "controller": "component=controller"}
    assert mesh.services() == {"traefik-mesh-a", "traefik-mesh-b"}


def test_diagnose_looks_at_the_cluster_when_it_is_told_nothing(make_mesh: MakeMesh) -> None:
    assert make_mesh().diagnose().code == "unknown"
    assert make_mesh().diagnose(ValueError("x")).code == "unknown"


def test_what_helm_and_the_mesh_say_is_passed_on(make_mesh: MakeMesh) -> None:
    mesh = make_mesh()
    (proxy,) = mesh.proxies()

    assert mesh.mesh_host("a", "b") == "a.b.traefik.mesh"
    assert mesh.shadow_service("a", "b") == "traefik-mesh-a-6d61657368-b"
    assert mesh.configuration() == {"http": {}}
    assert mesh.proxy_configuration(proxy) == {"routers": {"readiness@http": {}}}
    assert mesh.proxy_metrics(proxy) == "text"
    assert mesh.status_nodes() == []
    assert mesh.node_configuration(proxy) == {}
    assert mesh.readiness()
    assert mesh.corefile() == ".:53 {}"


def test_images_are_all_that_the_chart_runs_by_their_full_references(make_mesh: MakeMesh) -> None:
    images = make_mesh().images

    assert {"docker.io/traefik/mesh:v1.4.8", "docker.io/library/traefik:v2.11.14"} <= set(images)
    assert len(images) == len(set(images))
