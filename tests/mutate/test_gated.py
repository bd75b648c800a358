"""Shadow services lead to the shim's gate while it reads amiss, and to the proxies again after it."""

import copy
from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.mutate.gate import GATES, HELLO
from meshproof.mutate.gated import MUTANTS, Gated
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_ground import MESH, NAMESPACE, FakeKube, FakeMesh, FakeProbe, FakeShim, ground

SHIM = {"app": "meshproof-shim"}
ADDRESSES = {"server": "10.1.0.1", "server-h2c": "10.1.0.2"}


def shadow(service: str) -> str:
    return f"{MESH}/services/traefik-mesh-{service}-6d61657368-{NAMESPACE}"


@pytest.fixture
def kube() -> FakeKube:
    def of(service: str, address: str) -> dict[str, Any]:
        spec = {"clusterIP": address, "selector": {"component": "maesh-mesh"}}
        return {"metadata": {"name": service, "resourceVersion": "1"}, "spec": spec}

    return FakeKube(objects={shadow(name): of(name, address) for name, address in ADDRESSES.items()})


class Network(FakeProbe):
    """Follows the selectors of the shadow services; ``stuck`` never does."""

    def __init__(self, kube: FakeKube) -> None:
        self.kube = kube
        self.stuck = False
        super().__init__(answers=self._answer)

    def _answer(self, host: str, port: int, said: bytes) -> bytes:
        assert (port, said) == (80, HELLO)
        service = next(name for name, address in ADDRESSES.items() if address == host)
        to_the_shim = self.kube.objects[shadow(service)]["spec"]["selector"] == SHIM and not self.stuck
        return HELLO if to_the_shim else b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture
def shim() -> FakeShim:
    return FakeShim()


@pytest.fixture
def network(kube: FakeKube) -> Network:
    return Network(kube)


@pytest.fixture
def ready(
    kube: FakeKube, mesh: FakeMesh, shim: FakeShim, network: Network, waits: list[tuple[str, int]]
) -> Ground:
    del waits
    return ground(kube, mesh, shim, probe=network)


@pytest.mark.parametrize("name", GATES)
def test_gate_takes_the_clients_of_its_services_and_gives_them_back(
    ready: Ground, kube: FakeKube, shim: FakeShim, name: str
) -> None:
    before = copy.deepcopy([each["spec"] for each in kube.objects.values()])

    with Gated(name=name).applied(ready):
        led = {each for each in ADDRESSES if kube.objects[shadow(each)]["spec"]["selector"] == SHIM}
        assert (shim.orders, shim.proxies) == ([f"{name} {NAMESPACE}"], ["a", "b"])

    assert led == set(GATES[name].services)
    assert [each["spec"] for each in kube.objects.values()] == before
    assert shim.orders[1:] == [""]


def test_gate_that_nobody_reaches_is_taken_back(
    ready: Ground, kube: FakeKube, shim: FakeShim, network: Network
) -> None:
    network.stuck = True

    with (
        pytest.raises(WaitTimedOutError, match="server leads to the gate"),
        Gated(name="no-header-limit").applied(ready),
    ):
        pytest.fail("the block ran")

    assert kube.objects[shadow("server")]["spec"]["selector"] == {"component": "maesh-mesh"}
    assert shim.orders[-1] == ""


def test_every_gate_is_a_mutant() -> None:
    assert [each.change for each in MUTANTS] == [Gated(name=name) for name in GATES]
