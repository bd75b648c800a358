"""How a profile is sampled by a lighter instrument."""

import msgspec
import pytest

from meshproof.measure import sampling
from meshproof.measure.profile import experiment_s, load_profile


@pytest.mark.parametrize(
    ("locust_per_s", "fortio_per_s"),
    [
        pytest.param(300, 30, id="a tenth"),
        pytest.param(150, 15, id="a tenth of less"),
        pytest.param(50, 10, id="never fewer than a round needs"),
        pytest.param(3000, 30, id="never more than alone"),
    ],
)
def test_sampling_beside_the_load_is_a_tenth_of_it(locust_per_s: float, fortio_per_s: float) -> None:
    profile = msgspec.structs.replace(load_profile("standard"), arrival_rate_per_s=locust_per_s)

    found = sampling.beside(profile)

    assert found is not None
    assert found.arrival_rate_per_s == fortio_per_s
    assert (found.rounds, found.phase_s, found.settle_s) == (20, 2.0, 0.2)
    assert (found.users, found.workers, found.cpus) == (1, 1, [])


def test_sampling_alone_adds_less_than_40_s_to_a_standard_run() -> None:
    found = sampling.alone(load_profile("standard"))

    assert found is not None
    assert found.rounds >= 10
    assert experiment_s(found) < 36  # the pod's start and end come to it


def test_smoke_is_sampled_as_short_as_it_is() -> None:
    found = sampling.alone(load_profile("smoke"))

    assert found is not None
    assert found.rounds == 5


@pytest.mark.parametrize("name", ["churn", "large"])
def test_requests_are_made_as_the_profile_makes_them(name: str) -> None:
    profile, found = load_profile(name), sampling.alone(load_profile(name))

    assert found is not None
    assert (found.payload_bytes, found.keep_alive) == (profile.payload_bytes, profile.keep_alive)


def test_closed_model_has_no_rate_to_be_low_against() -> None:
    assert sampling.alone(load_profile("throughput")) is None
    assert sampling.beside(load_profile("throughput")) is None
