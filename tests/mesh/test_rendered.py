"""What a chart would bring into a cluster."""

import pytest

from meshproof.mesh.rendered import parse
from meshproof.model.errors import BadInputError

LOCKED = frozenset({"docker.io/traefik/mesh:v1.4.8", "docker.io/library/traefik:v2.11.14"})

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: c, namespace: tm}
spec:
  template:
    metadata: {labels: {component: controller}}
    spec:
      initContainers: [{name: prepare, image: "traefik/mesh:v1.4.8", args: [prepare]}]
      containers:
        - name: c
          image: traefik/mesh:v1.4.8
          command: [/x]
          args: [--acl]
          env: [{name: A, value: b}, {name: S}]
"""
HOOK = """
apiVersion: batch/v1
kind: Job
metadata: {name: cleanup, annotations: {helm.sh/hook: pre-delete}}
spec: {template: {spec: {containers: [{name: cleanup, image: "IMAGE"}]}}}
"""
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: "x/y:1"}]}}}}}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a.GROUP}
spec: {group: GROUP, versions: [{schema: {containers: [{image: no}]}}]}
"""


def test_workloads_are_found_with_labels_and_containers() -> None:
    controller = parse(DEPLOYMENT).component("controller")

    assert controller is not None
    assert (controller.kind, controller.name) == ("Deployment", "c")
    init, main = controller.containers
    assert init.where == "Deployment c, container prepare"
    assert main.args == ("/x", "--acl")
    assert main.env == {"A": "b", "S": ""}
    assert parse(DEPLOYMENT).component("maesh-mesh") is None


def test_containers_are_found_wherever_a_pod_is_described() -> None:
    crd = CRD.replace("GROUP", "split.smi-spec.io")
    text = f"{DEPLOYMENT}---{HOOK.replace('IMAGE', 'a:1')}---{CRON}---{crd}"

    assert [each.image for each in parse(text).containers()] == [
        "traefik/mesh:v1.4.8",
        "traefik/mesh:v1.4.8",
        "a:1",
        "x/y:1",
    ]


def test_specifications_of_pods_come_with_the_object_that_makes_them() -> None:
    crd = CRD.replace("GROUP", "split.smi-spec.io")

    found = parse(f"{DEPLOYMENT}---{HOOK}---{CRON}---{crd}").pod_specs()

    assert [where for where, _ in found] == ["Deployment c", "Job cleanup", "CronJob cron"]
    assert [each["containers"][0]["name"] for _, each in found] == ["c", "cleanup", "a"]


def test_a_list_is_taken_apart() -> None:
    text = "kind: List\nitems: [{kind: Service, metadata: {name: s}}]"

    assert [each["kind"] for each in parse(text).objects] == ["Service"]


def test_locked_images_pass_however_they_are_written() -> None:
    parse(DEPLOYMENT).check(namespace="tm", locked=LOCKED)


@pytest.mark.parametrize("image", ["traefik/mesh", "traefik/mesh:v9", "traefik/mesh:v1.4.8@sha256:ab", ""])
def test_an_image_that_is_not_locked_is_named_with_its_place(image: str) -> None:
    with pytest.raises(BadInputError, match="not in the bundle") as caught:
        parse(HOOK.replace("IMAGE", image)).check(namespace="tm", locked=LOCKED)

    assert caught.value.where == "Job cleanup, container cleanup"
    assert image in caught.value.problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: p}}", "1.22", id="old"
        ),
        pytest.param(
            "{apiVersion: v1, kind: Namespace, metadata: {name: n}}", "whole cluster", id="namespace"
        ),
        pytest.param(
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: w}}",
            "whole cluster",
            id="storage",
        ),
        pytest.param(CRD.replace("GROUP", "evil.io"), "whole cluster", id="foreign-crd"),
        pytest.param(
            "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}}", "outside", id="else"
        ),
    ],
)
def test_what_no_mesh_needs_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        parse(text).check(namespace="tm", locked=LOCKED)


def test_smi_definitions_and_objects_of_kube_system_are_let_in() -> None:
    role = (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: kube-system}}"
    )

    parse(f"{CRD.replace('GROUP', 'split.smi-spec.io')}---\n{role}").check(namespace="tm", locked=LOCKED)


@pytest.mark.parametrize(
    "text", ["a: [", "just text", "kind: Pod", "kind: 1\nmetadata: {name: x}", "&a [*a]"]
)
def test_what_is_no_list_of_objects_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="rendered chart"):
        parse(text)
