"""Mutants of what an install, an upgrade and an uninstall do: charts that are wrong in one place each."""

from typing import Final

from meshproof.mutate.mutant import Mutant
from meshproof.mutate.recharted import (
    Edit,
    Recharted,
    after_cleanup,
    after_prepare,
    before_cleanup,
    cut,
    dropped,
    swapped,
)

__all__ = ["MUTANTS"]

_VALUES: Final = "values.yaml"
_CONTROLLER: Final = "templates/controller/deployment.yaml"
_PROXIES: Final = "templates/proxy/daemonset.yaml"
_RIGHTS: Final = "templates/controller/rbac.yaml"
_CLEANUP: Final = "templates/cleanup/job.yaml"

_ROLE: Final = (
    "kind: ClusterRole\nmetadata:\n  name: {{ $name }}\n  labels:\n    {{- $labels | nindent 4 }}\n"
)
_KEPT: Final = "  annotations: {helm.sh/resource-policy: keep}\n"
_READS: Final = "    resources: [pods, services, endpoints]\n    verbs: [list, watch]\n"
_SELECTOR: Final = (
    '      {{- include "mesh.selectorLabels" (dict "root" . "component" "maesh-mesh") | nindent 6 }}\n'
)
_POD_LABELS: Final = '        {{- include "mesh.proxyLabels" . | nindent 8 }}\n'
_REVISION: Final = 'revision: "{{ .Release.Revision }}"\n'
_ANNOTATIONS: Final = "      annotations:\n"
_DRAWN: Final = "        meshproof.dev/drawn: {{ randAlphaNum 8 | quote }}\n"
_NAMESPACE: Final = "            - --namespace={{ .Release.Namespace }}\n"
_DOMAIN: Final = "            - --clusterDomain={{ .Values.clusterDomain }}\n"
_USUAL: Final = "            - --namespace=traefik-mesh\n"


def _may_delete(resource: str, group: str = "") -> Edit:
    """The controller's account may also list and delete these, in the whole cluster."""
    rule = f'  - apiGroups: ["{group}"]\n    resources: [{resource}]\n    verbs: [list, delete]\n'
    return swapped(_RIGHTS, _READS, f"{_READS}{rule}")


_INSTALLS: Final = (
    Mutant(
        name="prepare-dropped",
        breaks="The mesh is installed without preparing the cluster's DNS, or looking for one that it knows.",
        change=Recharted(edits=(cut(_CONTROLLER, "      initContainers:\n", "      containers:\n"),)),
    ),
    Mutant(
        name="namespace-hard-coded",
        breaks="Whatever namespace the mesh is in, its zones lead to shadow services in the usual one.",
        change=Recharted(edits=(swapped(_CONTROLLER, f"{_NAMESPACE}{_DOMAIN}", f"{_USUAL}{_DOMAIN}"),)),
    ),
    Mutant(
        name="release-name-hard-coded",
        breaks="Whatever the release is called, the proxies bear the usual name.",
        change=Recharted(
            edits=(
                swapped(
                    _PROXIES, "metadata:\n  name: {{ $name }}\n", "metadata:\n  name: traefik-mesh-proxy\n"
                ),
            )
        ),
    ),
    Mutant(
        name="cluster-domain-ignored",
        breaks="The mesh's zones serve cluster.local, whatever the value clusterDomain says.",
        change=Recharted(edits=(swapped(_CONTROLLER, _DOMAIN, ""),)),
    ),
    Mutant(
        name="zones-in-memory-only",
        breaks="The mesh's zones are gone from the configuration as soon as CoreDNS has read it.",
        change=Recharted(edits=(after_prepare("zones-in-memory-only"),)),
    ),
)

_UPGRADES: Final = (
    Mutant(
        name="proxies-renewed-by-every-install",
        breaks="The same install again replaces every proxy.",
        change=Recharted(edits=(swapped(_PROXIES, _ANNOTATIONS, f"{_ANNOTATIONS}{_DRAWN}"),)),
    ),
    Mutant(
        name="install-works-once",
        breaks="A second install is refused: the proxies' selector is another each time.",
        change=Recharted(
            edits=(
                swapped(_PROXIES, _SELECTOR, f"{_SELECTOR}      {_REVISION}"),
                swapped(_PROXIES, _POD_LABELS, f"{_POD_LABELS}        {_REVISION}"),
            ),
            anew=True,
        ),
    ),
    Mutant(
        name="proxies-stopped-before-started",
        breaks="A proxy is stopped before the one that replaces it is started.",
        change=Recharted(
            edits=(
                swapped(
                    _VALUES,
                    "      maxSurge: 1\n      maxUnavailable: 0\n",
                    "      maxSurge: 0\n      maxUnavailable: 1\n",
                ),
            )
        ),
    ),
    Mutant(
        name="no-grace-on-stop",
        breaks="A proxy that is told to stop accepts no connection any more; some are still sent to it.",
        change=Recharted(
            edits=(swapped(_VALUES, "requestAcceptGraceTimeout: 5s\n", "requestAcceptGraceTimeout: 0s\n"),)
        ),
    ),
)

_UNINSTALLS: Final = (
    Mutant(
        name="cleanup-dropped",
        breaks="The mesh is removed without its cleanup: its zones stay in the cluster's DNS.",
        change=Recharted(edits=(dropped(_CLEANUP),)),
    ),
    Mutant(
        name="shadow-services-kept",
        breaks="The cleanup looks for shadow services in another namespace than they are in.",
        change=Recharted(edits=(swapped(_CLEANUP, _NAMESPACE, "            - --namespace=default\n"),)),
    ),
    Mutant(
        name="corefile-block-kept",
        breaks="The mesh's zones lose their marks before the cleanup, which finds nothing to take back.",
        change=Recharted(edits=(before_cleanup("corefile-block-kept"),)),
    ),
    Mutant(
        name="role-left",
        breaks="An uninstall keeps the controller's cluster role.",
        change=Recharted(edits=(swapped(_RIGHTS, _ROLE, f"{_ROLE}{_KEPT}"),)),
    ),
    Mutant(
        name="crds-deleted-on-uninstall",
        breaks="The cleanup deletes the SMI definitions, whoever brought them.",
        change=Recharted(
            edits=(
                _may_delete("customresourcedefinitions", "apiextensions.k8s.io"),
                after_cleanup("crds-deleted-on-uninstall"),
            )
        ),
    ),
    Mutant(
        name="cleanup-ends-the-workloads",
        breaks="The cleanup ends the pods of the services, as a mesh has to that has put sidecars into them.",
        change=Recharted(edits=(_may_delete("pods"), after_cleanup("cleanup-ends-the-workloads"))),
    ),
    Mutant(
        name="cleanup-breaks-the-corefile",
        breaks="The cleanup takes the cluster's own names out of CoreDNS's configuration with the mesh's.",
        change=Recharted(edits=(after_cleanup("cleanup-breaks-the-corefile"),)),
    ),
)

MUTANTS: Final[tuple[Mutant, ...]] = (*_INSTALLS, *_UPGRADES, *_UNINSTALLS)
