"""cAdvisor's text becomes containers with their counters, times and limits."""

from unittest.mock import Mock

import pytest

from meshproof.model.exposition import ExpositionError
from meshproof.model.usage import ContainerSample
from meshproof.observe.kubelet import containers_on, parse_containers
from tests.observe.cadvisor import container, page


def test_a_container_with_its_time_and_without_limits() -> None:
    assert parse_containers(page(container("proxy-a"))) == [
        ContainerSample(
            namespace="mesh",
            pod="proxy-a",
            container="main",
            instance="id-proxy-a",
            at_unix=1_900_000_000.123,
            cpu_s=1.5,
            working_set_bytes=52_428_800,
        )
    ]


def test_limits_are_read_with_what_they_held_back() -> None:
    (found,) = parse_containers(page(container("proxy-a", limited=True)))

    assert (found.cpu_limit_millicores, found.memory_limit_bytes) == (200, 512 * 1024 * 1024)
    assert (found.throttled_periods, found.cfs_periods) == (300, 900)


def test_two_containers_of_one_pod_and_name_are_two() -> None:
    """After a restart the old one's series may still be there."""
    found = parse_containers(page(container("a"), container("a", cpu_s=0.1, instance="another")))

    assert {each.instance: each.cpu_s for each in found} == {"id-a": 1.5, "another": 0.1}


def test_a_container_that_was_not_sampled_yet_is_left_out() -> None:
    only_its_limits = [line for line in container("b") if "_spec_" in line]

    assert [each.pod for each in parse_containers(page(container("a"), only_its_limits))] == ["a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "no container in a text", id="nothing"),
        pytest.param("<html>busy</html>", "<html>busy", id="something else"),
        pytest.param(page(container("a")).replace(" 1900000000123", ""), "without its time", id="no time"),
        pytest.param(page(container("a")).replace("5.2428800e+07", "NaN"), "is nan", id="no number"),
        pytest.param(page(container("a"), container("a")), "stand there twice", id="twice"),
    ],
)
def test_text_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(ExpositionError, match=said):
        parse_containers(text)


def test_the_api_server_is_asked_for_the_node() -> None:
    kube = Mock()
    kube.raw.return_value = page(container("proxy-a")).encode()

    assert [each.pod for each in containers_on(kube, "node-1")] == ["proxy-a"]
    kube.raw.assert_called_once_with("GET", "/api/v1/nodes/node-1/proxy/metrics/cadvisor")
