"""What the mesh may do in the cluster: what it needs for its work, and no more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from meshproof.cluster.kube import KubeApi
from meshproof.mesh.traefik_mesh import TraefikMesh

RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
DNS_NAMES: Final = (
    "coredns rke2-coredns-rke2-coredns kube-dns"  # that prepare and cleanup look for, in this order
)


@dataclass(frozen=True, kw_only=True, order=True)
class Right:
    """One verb on one kind of thing; ``*`` in ``namespace`` and ``name``: whichever."""

    namespace: str
    group: str
    resource: str
    name: str
    verb: str


# The least that Traefik Mesh v1.4.8 works with, by its source; MESH stands for its own namespace.
LEAST: Final = (
    # pkg/controller: informers list and watch what the mesh is built from, in every namespace.
    ("*", "", "pods services endpoints", "*", "list watch"),
    ("*", "split.smi-spec.io", "trafficsplits", "*", "list watch"),
    ("*", "specs.smi-spec.io", "httproutegroups tcproutes", "*", "list watch"),
    # pkg/controller/service.go: the shadow services, all in the mesh's namespace.
    ("MESH", "", "services", "*", "create update delete"),
    # pkg/dns: prepare writes the mesh's zones into the cluster's DNS and restarts it, cleanup takes them out.
    ("kube-system", "", "configmaps", f"{DNS_NAMES} coredns-custom", "get update"),
    ("kube-system", "apps", "deployments", DNS_NAMES, "get update"),
)

# What would let it read secrets, run code elsewhere, widen its own rights, or write where it has no business.
NEVER: Final = (
    ("MESH kube-system default", "", "secrets", "*", "get list watch create"),
    ("MESH kube-system default", "", "pods", "*", "create delete patch"),
    (
        "MESH kube-system default",
        "",
        "pods/exec pods/portforward pods/attach pods/ephemeralcontainers",
        "*",
        "create",
    ),
    ("*", "", "nodes nodes/proxy", "*", "get list create"),
    ("*", "", "namespaces", "*", "list create delete"),
    ("kube-system default", "", "services endpoints", "*", "create update patch delete"),
    ("kube-system default", "", "configmaps", "*", "get list watch create update delete"),
    ("kube-system default", "apps", "deployments daemonsets", "*", "create update patch delete"),
    ("MESH kube-system default", "", "serviceaccounts/token", "*", "create"),
    (
        "*",
        "rbac.authorization.k8s.io",
        "clusterroles clusterrolebindings",
        "*",
        "create update bind escalate",
    ),
    (
        "MESH kube-system",
        "rbac.authorization.k8s.io",
        "roles rolebindings",
        "*",
        "create update bind escalate",
    ),
    ("*", "", "users groups serviceaccounts", "*", "impersonate"),
    ("*", "apiextensions.k8s.io", "customresourcedefinitions", "*", "create update delete"),
    ("*", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "*", "create update"),
)


@requirement("TM-INSTALL-012")
def test_controller_holds_the_least_rights(kube: KubeApi, mesh: TraefikMesh, evidence: Facts) -> None:
    """All rules that are bound to the controller's account, wherever, are those that its source needs."""
    account = f"{mesh.settings.release}-controller"

    granted = set(rights_of(kube, mesh.settings.namespace, account))

    evidence.record({"granted": [str(each) for each in sorted(granted)]})
    needed = set(rights(LEAST, mesh.settings.namespace))
    assert sorted(needed - granted) == [], "without these it does not work"
    assert sorted(granted - needed) == [], "these it does not need"


@requirement("TM-INSTALL-012")
def test_controller_is_denied_what_it_does_not_need(
    kube: KubeApi, mesh: TraefikMesh, evidence: Facts
) -> None:
    """The API server itself, asked about the controller's account, denies what would widen a break-in."""
    namespace = mesh.settings.namespace
    account = f"{mesh.settings.release}-controller"

    allowed = [each for each in rights(LEAST, namespace) if may(kube, namespace, account, each)]
    wrong = [str(each) for each in rights(NEVER, namespace) if may(kube, namespace, account, each)]

    evidence.record({"asked": len(list(rights(NEVER, namespace))), "allowed all the same": wrong})
    assert allowed == list(rights(LEAST, namespace)), (
        "the API server denies what is granted: nothing can be said"
    )
    assert wrong == []


@requirement("TM-INSTALL-031")
def test_proxies_hold_no_right_and_no_token(kube: KubeApi, mesh: TraefikMesh) -> None:
    """A proxy, which every workload can talk to, has nothing to talk to the API server with."""
    namespace = mesh.settings.namespace
    pods = {each.name for each in mesh.proxies()}
    listed = kube.items(f"/api/v1/namespaces/{namespace}/pods")
    specs = [each["spec"] for each in listed if each["metadata"]["name"] in pods]

    accounts = {each["serviceAccountName"] for each in specs}
    volumes = [volume for each in specs for volume in each.get("volumes", [])]

    assert specs
    assert accounts.isdisjoint({"default", f"{mesh.settings.release}-controller"})
    assert [right for each in accounts for right in rights_of(kube, namespace, each)] == []
    assert [each["name"] for each in volumes if "projected" in each or "secret" in each] == []


def rights(table: tuple[tuple[str, str, str, str, str], ...], mesh_namespace: str) -> Iterator[Right]:
    """A table's rows, each word a right of its own."""
    for namespaces, group, resources, names, verbs in table:
        for namespace in namespaces.split():
            for resource in resources.split():
                for name in names.split():
                    for verb in verbs.split():
                        where = mesh_namespace if namespace == "MESH" else namespace
                        yield Right(namespace=where, group=group, resource=resource, name=name, verb=verb)


def rights_of(kube: KubeApi, namespace: str, account: str) -> Iterator[Right]:
    """Everything that a service account is granted by name, by whichever binding."""
    for binding in [*kube.items(f"{RBAC}/clusterrolebindings"), *kube.items(f"{RBAC}/rolebindings")]:
        subjects = [
            each
            for each in binding.get("subjects") or []
            if (each["kind"], each["name"], each.get("namespace")) == ("ServiceAccount", account, namespace)
        ]
        if subjects:
            where = binding["metadata"].get("namespace", "*")
            for rule in rules_of(kube, binding["roleRef"], where):
                for group in rule.get("apiGroups") or ["(no resource)"]:
                    for resource in rule.get("resources") or rule.get("nonResourceURLs") or []:
                        for name in rule.get("resourceNames") or ["*"]:
                            for verb in rule["verbs"]:
                                yield Right(
                                    namespace=where, group=group, resource=resource, name=name, verb=verb
                                )


def rules_of(kube: KubeApi, role: dict[str, str], namespace: str) -> list[dict[str, Any]]:
    """The rules of the role that a binding refers to."""
    where = "" if role["kind"] == "ClusterRole" else f"namespaces/{namespace}/"
    return list(kube.get(f"{RBAC}/{where}{role['kind'].lower()}s/{role['name']}").get("rules") or [])


def may(kube: KubeApi, namespace: str, account: str, right: Right) -> bool:
    """What the API server says that an account may do (a SubjectAccessReview)."""
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": "" if right.namespace == "*" else right.namespace,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "name": "" if right.name == "*" else right.name,
        "verb": right.verb,
    }
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    user = f"system:serviceaccount:{namespace}:{account}"
    spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = json.loads(kube.raw("POST", REVIEWS, body=review))
    return bool(answer["status"]["allowed"])
