"""An API server made of a table."""

from typing import Any


class FakeKube:
    """Collections by path; deleting a namespace takes it out after ``lingers`` looks."""

    def __init__(self) -> None:
        self.collections: dict[str, list[dict[str, Any]]] = {}
        self.namespaces: dict[str, int] = {}  # name -> looks until it is gone
        self.created: list[tuple[str | None, dict[str, Any]]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.lingers = 0

    def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        self.calls.append(("items", path, query))
        if path == "/api/v1/namespaces":
            return [{"metadata": {"name": name}} for name in self.namespaces]
        return self.collections.get(path, [])

    def create(self, document: dict[str, Any], *, namespace: str | None = None) -> dict[str, Any]:
        self.created.append((namespace, document))
        return document

    def merge(self, path: str, body: dict[str, Any]) -> None:
        self.calls.append(("merge", path, body))

    def delete(self, path: str, *, grace_s: int | None = None) -> None:
        self.calls.append(("delete", path) if grace_s is None else ("delete", path, grace_s))
        if (name := path.removeprefix("/api/v1/namespaces/")) in self.namespaces:
            self.namespaces[name] = self.lingers

    def find(self, path: str) -> dict[str, Any] | None:
        name = path.removeprefix("/api/v1/namespaces/")
        if self.namespaces.get(name, 0) > 0:
            self.namespaces[name] -= 1
            return {"status": {"phase": "Terminating"}}
        self.namespaces.pop(name, None)
        return None

    def get(self, path: str) -> dict[str, Any]:
        self.calls.append(("get", path))
        return {"spec": {"clusterIP": "10.96.0.7"}}
