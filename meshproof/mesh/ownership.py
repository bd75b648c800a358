"""What an install of ours brings beyond the release, marked so that an uninstall takes that and no more.

Helm removes neither a namespace nor a chart's CRDs. The namespace, when it was missing, gets our label, and a
note of the definitions that were there before it: a note outlives an install that is cut short.
"""

from dataclasses import dataclass
from typing import Final

from meshproof.cluster.kube import KubeApi
from meshproof.mesh.leftovers import OURS_LABEL, OURS_VALUE, is_ours
from meshproof.mesh.objects import DEFINITIONS, definitions, find_namespace

__all__ = ["Ownership"]

_NOTE: Final = f"{OURS_LABEL}/crds-before"
_SMI_GROUP: Final = ".smi-spec.io"
_LABELS: Final = {OURS_LABEL: OURS_VALUE}


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """Of one namespace in one cluster."""

    kube: KubeApi
    namespace: str

    def claim(self) -> frozenset[str]:
        """Make the namespace if it is missing; return the SMI definitions that are not ours to remove."""
        found = find_namespace(self.kube, self.namespace)
        note = ((found or {}).get("metadata", {}).get("annotations") or {}).get(_NOTE)
        if found is not None and is_ours(found) and note is not None:
            return frozenset(filter(None, note.split(",")))
        before = frozenset(self._definitions())
        if found is None:
            note = ",".join(sorted(before))
            meta = {"name": self.namespace, "labels": _LABELS, "annotations": {_NOTE: note}}
            self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        return before

    def mark(self, before: frozenset[str]) -> None:
        """Label the SMI definitions that came after ``before``."""
        for name, labels in self._definitions().items():
            if name not in before and labels.get(OURS_LABEL) != OURS_VALUE:
                self.kube.merge(f"{DEFINITIONS}/{name}", {"metadata": {"labels": _LABELS}})

    def mark_again(self) -> None:
        """Do what an install that was cut short did not come to; nothing when the namespace is not ours."""
        if is_ours(find_namespace(self.kube, self.namespace)):
            self.mark(self.claim())

    def _definitions(self) -> dict[str, dict[str, str]]:
        return {
            each["metadata"]["name"]: each["metadata"].get("labels") or {}
            for each in definitions(self.kube)
            if each["metadata"]["name"].endswith(_SMI_GROUP)
        }
