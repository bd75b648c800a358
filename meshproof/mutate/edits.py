"""An object of the API server changed for a while, and put back as it was."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from meshproof.cluster.kube import KubeApi, KubeError
from meshproof.model.errors import HarnessError

__all__ = ["NothingChangedError", "edited"]

_TRIES: Final = 5  # each loses only against a status that is written at the same moment
_SERVERS_OWN: Final = ("resourceVersion", "uid", "managedFields", "generation", "creationTimestamp")


class NothingChangedError(HarnessError):
    """A mutant would leave what it changes as it is: nothing could notice it."""

    code = "MUTANT-CHANGES-NOTHING"

    def __init__(self, where: str) -> None:
        super().__init__(
            where=where,
            problem="the mutant's edit leaves it as it is",
            remedy="apply it under another profile, or make the edit fit this version of the mesh",
        )


@contextmanager
def edited(
    kube: KubeApi,
    path: str,
    edit: Callable[[dict[str, Any]], None],
    *,
    broken: Callable[[], None],
    whole: Callable[[], None],
) -> Iterator[None]:
    """Inside the block an object is as ``edit`` makes a copy of it, after it as it was.

    ``broken`` waits until the change has taken hold, ``whole`` until it has been taken back.
    """
    saved = kube.get(path)
    changed = copy.deepcopy(saved)
    edit(changed)
    if changed == saved:
        raise NothingChangedError(path)
    try:
        _write(kube, path, changed)
        broken()
        yield
    finally:
        _write(kube, path, saved)
        whole()


def _write(kube: KubeApi, path: str, document: dict[str, Any]) -> None:
    """Put an object in the place of what is there, whatever that is by now."""
    metadata = {key: each for key, each in document["metadata"].items() if key not in _SERVERS_OWN}
    body = {key: each for key, each in document.items() if key != "status"}
    for left in reversed(range(_TRIES)):
        version = kube.get(path)["metadata"]["resourceVersion"]
        try:
            kube.raw("PUT", path, body={**body, "metadata": {**metadata, "resourceVersion": version}})
        except KubeError as error:
            if error.status != 409 or not left:
                raise
        else:
            return
