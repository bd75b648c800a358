"""What an install of ours brought, and what was there before."""

from typing import Any

import pytest

from meshproof.mesh.ownership import Ownership

OURS = {"dev.meshproof": "mesh"}
NOTE = "dev.meshproof/crds-before"


@pytest.fixture
def kube(build: Any) -> Any:
    made = build.kube()
    made.objects["crds"] = [build.thing("a.split.smi-spec.io"), build.thing("x.other.io")]
    return made


@pytest.fixture
def ownership(kube: Any) -> Ownership:
    return Ownership(kube=kube.as_kube, namespace="ns")


def test_a_missing_namespace_is_made_with_a_note_of_what_was_there(kube: Any, ownership: Ownership) -> None:
    assert ownership.claim() == {"a.split.smi-spec.io"}

    assert kube.namespaces["ns"] == OURS
    assert kube.notes["ns"] == {NOTE: "a.split.smi-spec.io"}


def test_a_namespace_of_somebody_elses_is_left_alone(kube: Any, ownership: Ownership) -> None:
    kube.namespaces["ns"] = {}

    assert ownership.claim() == {"a.split.smi-spec.io"}
    ownership.mark_again()

    assert kube.done == []


def test_only_definitions_that_came_later_are_marked(build: Any, kube: Any, ownership: Ownership) -> None:
    before = ownership.claim()
    kube.objects["crds"] += [build.thing("b.specs.smi-spec.io"), build.thing("y.other.io")]

    ownership.mark(before)
    ownership.mark(before)

    assert kube.done == ["create namespace ns", "label crd b.specs.smi-spec.io"]


@pytest.mark.parametrize(
    ("note", "marked"),
    [
        pytest.param("a.split.smi-spec.io", ["label crd b.specs.smi-spec.io"], id="one-was-there"),
        pytest.param(
            "", ["label crd a.split.smi-spec.io", "label crd b.specs.smi-spec.io"], id="none-was-there"
        ),
    ],
)
def test_an_install_that_was_cut_short_is_made_up_for(
    build: Any, kube: Any, ownership: Ownership, note: str, marked: list[str]
) -> None:
    """The note says what was there before, though the definitions came without a mark."""
    kube.namespaces["ns"] = OURS
    kube.notes["ns"] = {NOTE: note}
    kube.objects["crds"].append(build.thing("b.specs.smi-spec.io"))

    ownership.mark_again()

    assert kube.done == marked
