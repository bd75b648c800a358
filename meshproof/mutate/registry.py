"""Every mutant, by its name."""

from typing import Final

from meshproof.mutate import chart, dns, flags, loopback, told
from meshproof.mutate.mutant import Mutant
from meshproof.mutate.shimmed import SHIMMED

__all__ = ["MUTANTS", "PROFILES"]

# The profiles of the mesh under which mutants are judged. The others install the mesh again, take nodes down
# or move the cluster's DNS while they run: there a mutant would not outlast the first check.
PROFILES: Final = ("plain", "services", "acl", "tcp", "limits", "observed")

MUTANTS: Final[dict[str, Mutant]] = {
    each.name: each
    for group in (flags.MUTANTS, dns.MUTANTS, chart.MUTANTS, told.MUTANTS, loopback.MUTANTS, SHIMMED)
    for each in group
}
