"""What an install of ours brings beyond the release, marked so that an uninstall takes that and no more.

Helm removes neither a namespace nor a chart's CRDs. The namespace, when it was missing, gets our label, and a
note of the definitions that were there before it: a note outlives an install that is cut short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from meshproof.cluster.kube import KubeApi
from meshproof.mesh.leftovers import OURS_LABEL, OURS_VALUE, is_ours
from meshproof.mesh.objects import DEFINITIONS, definitions, find_namespace, namespace_path

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
        if (noted := _noted(found)) is not None:
            return noted
        before = frozenset(self._definitions())
        note = {_NOTE: ",".join(sorted(before))}
        if found is None:
            meta = {"name": self.namespace, "labels": _LABELS, "annotations": note}
            self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        elif is_ours(found):
            self._annotate(note)
        return before

    def forget(self) -> None:
        """Take back the note of a namespace that stays: the next install sees anew what was there."""
        if is_ours(find_namespace(self.kube, self.namespace)):
            self._annotate({_NOTE: None})

    def mark(self, before: frozenset[str]) -> None:
        """Label the SMI definitions that came after ``before``."""
        for name, labels in self._definitions().items():
            if name not in before and labels.get(OURS_LABEL) != OURS_VALUE:
                self.kube.merge(f"{DEFINITIONS}/{name}", {"metadata": {"labels": _LABELS}})

    def mark_again(self) -> None:
        """Do what an install that was cut short did not come to; nothing when it left no note."""
        if (noted := _noted(find_namespace(self.kube, self.namespace))) is not None:
            self.mark(noted)

    def _annotate(self, annotations: Mapping[str, str | None]) -> None:
        self.kube.merge(namespace_path(self.namespace), {"metadata": {"annotations": annotations}})

    def _definitions(self) -> dict[str, dict[str, str]]:
        return {
            each["metadata"]["name"]: each["metadata"].get("labels") or {}
            for each in definitions(self.kube)
            if each["metadata"]["name"].endswith(_SMI_GROUP)
        }


def _noted(namespace: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The definitions that a namespace of ours says were there before it; None where it says nothing."""
    note = ((namespace or {}).get("metadata", {}).get("annotations") or {}).get(_NOTE)
    return frozenset(filter(None, note.split(","))) if is_ours(namespace) and note is not None else None
