"""Profiles of the mesh under test: how it is installed, on what, and which workloads stand beside it."""

from typing import Any, Literal

import msgspec

from meshproof.model.errors import BadInputError, nearest

__all__ = ["MeshProfile", "choose_profile", "parse_profiles"]


class MeshProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of ``suites/profiles.toml``.

    ``values`` are laid over the chart's own, below the user's. ``workloads`` are files of
    ``manifests/workloads/``. ``images`` are references of the bundle that the nodes do not hold from the
    start. ``routes`` are services that must be reached over HTTP before the first check.
    """

    name: str
    title: str
    nodes: int = 1
    dns: Literal["coredns", "kube-dns"] = "coredns"
    values: dict[str, Any] = {}
    workloads: list[str]
    routes: list[str] = []
    images: list[str] = []


def parse_profiles(text: str, *, where: str) -> dict[str, MeshProfile]:
    """The profiles by name, in the order of the file. Raises BadInputError naming the row and the field."""
    remedy = "see the rows beside it for the fields of a profile"
    try:
        rows = msgspec.toml.decode(text, type=dict[str, dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise BadInputError(where=where, problem=str(error), remedy=remedy) from error
    found = {}
    for name, row in rows.items():
        try:
            found[name] = msgspec.convert({"name": name, **row}, MeshProfile, strict=True)
        except msgspec.ValidationError as error:
            raise BadInputError(where=f"{where}/{name}", problem=str(error), remedy=remedy) from error
    return found


def choose_profile(profiles: dict[str, MeshProfile], name: str) -> MeshProfile:
    """The profile of that name. Raises BadInputError with the nearest one."""
    if name not in profiles:
        raise BadInputError(
            where=f"--mesh-profile={name}", problem="no such profile", remedy=nearest(name, list(profiles))
        )
    return profiles[name]
