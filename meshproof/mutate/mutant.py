"""What a mutant is: a name, what it breaks, and a change that is applied to a ready mesh and taken back."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from meshproof.cluster.faults import Faults
from meshproof.cluster.kube import KubeApi
from meshproof.mesh.traefik_mesh import TraefikMesh
from meshproof.model.mutant import MutantKind
from meshproof.mutate.shim import Shim
from meshproof.probe.client import Probe

__all__ = ["Change", "Ground", "Mutant", "Origin"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the installs of a session begin with.

    ``chart`` is a copy of the chart, for whoever edits it; ``corefile`` CoreDNS's configuration before the
    first install; ``dns`` what serves the cluster's names.
    """

    chart: Path
    corefile: str
    dns: Literal["coredns", "kube-dns"]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where mutants are applied: a ready mesh with a shim before its controller, and the run's namespace.

    ``faults`` is the door to the cluster's nodes, ``probe`` sees its network as the checks' client does.
    With an ``origin`` the session's checks install and remove the mesh themselves, and there is no shim.
    """

    kube: KubeApi
    mesh: TraefikMesh
    shim: Shim
    faults: Faults
    namespace: str
    probe: Probe
    origin: Origin | None = None


class Change(Protocol):
    """One way to break the mesh."""

    @property
    def kind(self) -> MutantKind:
        """Where it is broken."""
        ...

    def applied(self, ground: Ground) -> AbstractContextManager[None]:
        """Broken inside the block, seen to be so on entry, and seen to be whole again after it.

        Entering raises WaitTimedOutError or another HarnessError where the change does not take hold; it has
        been taken back then. Leaving raises the same where it cannot be taken back: the mesh is lost then.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mutant. Its killers are the requirements that name it in ``suites/requirements.toml``.

    ``disturbs`` maps a requirement's id, or the beginning of ids (``TM-METRIC``), to the reason why its
    checks may fail under this mutant although they are not meant to notice it. ``equivalent`` is the reason
    why no check can notice it.
    """

    name: str
    breaks: str
    change: Change
    disturbs: Mapping[str, str] = field(default_factory=dict)
    equivalent: str = ""
