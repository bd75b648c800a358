"""Objects that the chart made: changed, in force, put back."""

import copy
from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mutate.chart import MUTANTS, Patched
from meshproof.mutate.mutant import Ground, Mutant
from tests.mutate.fake_ground import CONTROLLER, PROXIES, FakeKube, FakeMesh, workload

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLE = f"{RBAC}/clusterroles/traefik-mesh-controller"
BINDING = f"{RBAC}/clusterrolebindings/traefik-mesh-controller"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/trafficsplits.split.smi-spec.io"
NAMED = {each.name: each for each in MUTANTS}


def thing(name: str, **content: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": "1", "uid": "u"}, **content}


class Serving(FakeKube):
    """Also tells which versions of TrafficSplits it serves."""

    def get(self, path: str) -> dict[str, Any]:
        if path != "/apis":
            return super().get(path)
        versions = self.objects[DEFINITION]["spec"]["versions"]
        served = [f"split.smi-spec.io/{each['name']}" for each in versions if each["served"]]
        return {"groups": [{"versions": [{"groupVersion": each} for each in served]}]}


@pytest.fixture
def kube() -> FakeKube:
    """What the chart installed."""
    versions = [{"name": "v1alpha3", "served": True, "storage": True}]
    subject = {"kind": "ServiceAccount", "name": "traefik-mesh-controller", "namespace": "traefik-mesh"}
    return Serving(
        objects={
            PROXIES: workload("proxy"),
            CONTROLLER: workload("controller"),
            ROLE: thing("r", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]),
            BINDING: thing("b", subjects=[subject]),
            DEFINITION: thing("d", spec={"versions": versions}),
        }
    )


def content(kube: FakeKube) -> dict[str, Any]:
    """The objects without what the API server counts."""
    return {
        path: {key: each for key, each in found.items() if key not in {"metadata", "status"}}
        for path, found in copy.deepcopy(kube.objects).items()
    }


def pod_of(kube: FakeKube, path: str = PROXIES) -> dict[str, Any]:
    spec: dict[str, Any] = kube.objects[path]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_applied_and_put_back(ready: Ground, kube: FakeKube, mutant: Mutant) -> None:
    before = content(kube)

    with mutant.change.applied(ready):
        during = content(kube)

    assert len([path for path in before if during[path] != before[path]]) == 1
    assert content(kube) == before


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_object_is_put_back_after_an_error(ready: Ground, kube: FakeKube, error: type[BaseException]) -> None:
    before = content(kube)

    with pytest.raises(error), NAMED["rbac-wildcard"].change.applied(ready):
        raise error

    assert content(kube) == before


def test_template_that_does_not_roll_out_is_put_back(ready: Ground, kube: FakeKube) -> None:
    before = content(kube)
    kube.stuck = True

    with pytest.raises(WaitTimedOutError), NAMED["host-port"].change.applied(ready):
        pytest.fail("the block ran")

    assert content(kube) == before


def test_change_without_its_effect_is_put_back(ready: Ground, kube: FakeKube) -> None:
    before = content(kube)
    change = Patched(path=lambda _: ROLE, edit=lambda role, _: role["rules"].clear(), holds=lambda _: False)

    with pytest.raises(WaitTimedOutError, match="is changed"), change.applied(ready):
        pytest.fail("the block ran")

    assert content(kube) == before


@pytest.mark.parametrize(
    ("name", "renewed"),
    [
        pytest.param("host-port", ["controller"], id="the proxies' template"),
        pytest.param("host-network", [], id="its own template"),
        pytest.param("rbac-wildcard", [], id="no template"),
    ],
)
def test_controller_is_renewed_once_the_proxies_are_as_before(
    ready: Ground, kube: FakeKube, name: str, renewed: list[str]
) -> None:
    with NAMED[name].change.applied(ready):
        assert kube.replaced == []

    assert kube.replaced == renewed


@pytest.mark.parametrize("name", ["host-port", "host-network"])
def test_proxies_follow_the_controller_before_a_template_counts_as_changed(
    ready: Ground, kube: FakeKube, mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = content(kube)
    monkeypatch.setattr(mesh, "configuration", lambda: {"http": {"routers": {"readiness": {}, "late": {}}}})

    with (
        pytest.raises(WaitTimedOutError, match="follow the controller"),
        NAMED[name].change.applied(ready),
    ):
        pytest.fail("the block ran")

    assert content(kube) == before


def test_settings_are_laid_over_what_is_there(ready: Ground, kube: FakeKube) -> None:
    with NAMED["capability-added"].change.applied(ready):
        context = pod_of(kube)["containers"][0]["securityContext"]

    assert context["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    assert context["readOnlyRootFilesystem"]


def test_host_network_is_the_controllers(ready: Ground, kube: FakeKube) -> None:
    with NAMED["host-network"].change.applied(ready):
        assert pod_of(kube, CONTROLLER)["hostNetwork"]
        assert "hostNetwork" not in pod_of(kube)


def test_proxies_account_is_bound_beside_the_controllers(ready: Ground, kube: FakeKube) -> None:
    with NAMED["proxy-account-bound"].change.applied(ready):
        bound = [each["name"] for each in kube.objects[BINDING]["subjects"]]

    assert bound == ["traefik-mesh-controller", "traefik-mesh-proxy"]


def test_stored_version_stays_when_another_is_served(ready: Ground, kube: FakeKube) -> None:
    with NAMED["crd-other-version"].change.applied(ready):
        versions = kube.objects[DEFINITION]["spec"]["versions"]

    assert [(each["name"], each["served"], each["storage"]) for each in versions] == [
        ("v1alpha3", False, True),
        ("v1beta1", True, False),
    ]


def test_init_container_is_limited_no_more(ready: Ground, kube: FakeKube) -> None:
    with NAMED["init-container-unlimited"].change.applied(ready):
        pod = pod_of(kube, CONTROLLER)

    assert "limits" not in pod["initContainers"][0]["resources"]
    assert "limits" in pod["containers"][0]["resources"]
