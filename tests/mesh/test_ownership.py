"""What an install of ours brought, and what was there before."""

from typing import Any

import pytest

from meshproof.mesh.ownership import Ownership
from tests.mesh.fake_kube import DEFINITIONS, NAMESPACES

OURS = {"dev.meshproof": "mesh"}
NOTE = "dev.meshproof/crds-before"


@pytest.fixture
def kube(build: Any) -> Any:
    made = build.kube()
    made.objects[DEFINITIONS] = [build.thing("a.split.smi-spec.io"), build.thing("x.other.io")]
    return made


@pytest.fixture
def ownership(kube: Any) -> Ownership:
    return Ownership(kube=kube.as_kube, namespace="ns")


def test_a_missing_namespace_is_made_with_a_note_of_what_was_there(kube: Any, ownership: Ownership) -> None:
    assert ownership.claim() == {"a.split.smi-spec.io"}

    (made,) = kube.objects[NAMESPACES]
    annotations = {NOTE: "a.split.smi-spec.io"}
    assert made["metadata"] == {"name": "ns", "labels": OURS, "annotations": annotations}


def test_a_namespace_of_somebody_elses_is_left_alone(build: Any, kube: Any, ownership: Ownership) -> None:
    kube.objects[NAMESPACES] = [build.thing("ns")]

    assert ownership.claim() == {"a.split.smi-spec.io"}
    ownership.mark_again()

    assert kube.done == []


def test_only_definitions_that_came_later_are_marked(build: Any, kube: Any, ownership: Ownership) -> None:
    before = ownership.claim()
    kube.objects[DEFINITIONS] += [build.thing("b.specs.smi-spec.io"), build.thing("y.other.io")]

    ownership.mark(before)
    ownership.mark(before)

    assert kube.done == ["create namespace ns", f"merge {DEFINITIONS}/b.specs.smi-spec.io"]


@pytest.mark.parametrize(
    ("note", "marked"),
    [
        pytest.param("a.split.smi-spec.io", [f"merge {DEFINITIONS}/b.specs.smi-spec.io"], id="one-was-there"),
        pytest.param(
            "",
            [f"merge {DEFINITIONS}/a.split.smi-spec.io", f"merge {DEFINITIONS}/b.specs.smi-spec.io"],
            id="none-was-there",
        ),
    ],
)
def test_an_install_that_was_cut_short_is_made_up_for(
    build: Any, kube: Any, ownership: Ownership, note: str, marked: list[str]
) -> None:
    """The note says what was there before, though the definitions came without a mark."""
    kube.objects[NAMESPACES] = [build.thing("ns", labels=OURS, annotations={NOTE: note})]
    kube.objects[DEFINITIONS].append(build.thing("b.specs.smi-spec.io"))

    ownership.mark_again()

    assert kube.done == marked


def test_namespace_that_stays_is_noted_anew_by_the_next_install(
    build: Any, kube: Any, ownership: Ownership
) -> None:
    """What the user has brought meanwhile is not ours to remove."""
    ownership.claim()

    ownership.forget()
    kube.objects[DEFINITIONS] += [build.thing("users.smi-spec.io")]

    assert ownership.claim() == {"a.split.smi-spec.io", "users.smi-spec.io"}
    assert ownership.claim() == {"a.split.smi-spec.io", "users.smi-spec.io"}
