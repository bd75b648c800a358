"""The objects of a relay."""

import pytest

from meshproof.measure.relays import TELL_PORT, relay_name, relay_objects


@pytest.mark.parametrize(
    ("delay_us", "name"),
    [(0, "relay-0"), (500, "relay-500us"), (1500, "relay-1500us"), (1000, "relay-1ms"), (5000, "relay-5ms")],
)
def test_relay_is_named_for_its_delay(delay_us: int, name: str) -> None:
    deployment, service = relay_objects(delay_us, image="relay:1", to="overhead:80")

    assert relay_name(delay_us) == deployment["metadata"]["name"] == service["metadata"]["name"] == name


def test_relays_differ_in_their_name_and_their_delay_alone() -> None:
    def texts(delay_us: int) -> str:
        return str(relay_objects(delay_us, image="relay:1", to="overhead:80"))

    assert texts(500).replace("relay-500us", "relay-0").replace("-delay=500us", "-delay=0us") == texts(0)


def test_readiness_is_asked_beside_the_relay() -> None:
    deployment, service = relay_objects(500, image="relay:1", to="overhead:80")
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert container["args"] == ["-listen=:8080", f"-tell=:{TELL_PORT}", "-to=overhead:80", "-delay=500us"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": TELL_PORT}
    assert service["spec"]["ports"][0]["targetPort"] == 8080
    assert service["spec"]["selector"] == template["metadata"]["labels"]
