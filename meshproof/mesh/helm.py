"""Helm, as far as meshproof needs it: argument lists (pure) and the calls.

Every call has a namespace and folders of its own, and names the cluster that it speaks to by kubeconfig and
context: no repository or plugin of the user's counts, nor what the kubeconfig's current context is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from meshproof.engine.process import CommandFailedError, Completed, run
from meshproof.mesh.adapter import MeshAccess, MeshSettings

__all__ = ["RENDER_VERSION", "UNREACHABLE", "Helm", "helm_for"]

UNREACHABLE: Final = "Kubernetes cluster unreachable"  # in helm's words; also where the context is missing

RENDER_VERSION: Final = (
    "1.34.0"  # Kubernetes that a chart is rendered for without a cluster; helm's own default may be old
)
_QUERY_S: Final = 30.0  # status of a release, or rendering a chart: about one second
_MARGIN_S: Final = 15.0  # helm gets this long beyond its own --timeout to say what happened


@dataclass(frozen=True, kw_only=True)
class Helm:
    """One release on one cluster. ``home`` is a folder for helm's own files, to be thrown away."""

    program: Path
    kubeconfig: Path
    context: str
    namespace: str
    release: str
    home: Path

    def template_argv(self, chart: Path, values: Sequence[Path]) -> list[str]:
        """Render chart, hooks and CRDs; needs no cluster."""
        return [
            *self._argv("template", self.release, str(chart)),
            "--include-crds",
            *("--kube-version", RENDER_VERSION),
            *_values(values),
        ]

    def upgrade_argv(self, chart: Path, values: Sequence[Path], *, timeout_s: float) -> list[str]:
        """Install or upgrade, and return once the objects are there: whether they work is for us to see."""
        return [
            *self._argv("upgrade", self.release, str(chart)),
            *self._cluster(),
            "--install",
            "--reset-values",
            *("--timeout", _seconds(timeout_s)),
            *_values(values),
        ]

    def uninstall_argv(self, *, timeout_s: float, hooks: bool) -> list[str]:
        """Run the chart's cleanup hooks, delete its objects, and wait until they are gone."""
        return [
            *self._argv("uninstall", self.release),
            *self._cluster(),
            "--wait",
            *("--timeout", _seconds(timeout_s)),
            *(() if hooks else ("--no-hooks",)),
        ]

    def status_argv(self) -> list[str]:
        """The release's status as JSON."""
        return [
            *self._argv("status", self.release),
            *self._cluster(),
            *("--output", "json"),
        ]

    def template(self, chart: Path, values: Sequence[Path]) -> str:
        """The rendered manifests as YAML. Raises CommandFailedError with helm's words."""
        return self._run(self.template_argv(chart, values), timeout=_QUERY_S).stdout

    def upgrade(self, chart: Path, values: Sequence[Path], *, timeout_s: float) -> Completed:
        argv = self.upgrade_argv(chart, values, timeout_s=timeout_s)
        return self._run(argv, timeout=timeout_s + _MARGIN_S)

    def uninstall(self, *, timeout_s: float, hooks: bool = True) -> Completed:
        argv = self.uninstall_argv(timeout_s=timeout_s, hooks=hooks)
        return self._run(argv, timeout=timeout_s + _MARGIN_S)

    def status(self) -> str | None:
        """``deployed``, ``failed``, ``pending-install`` and so on; None when there is no such release."""
        done = self._run(self.status_argv(), timeout=_QUERY_S, check=False)
        if done.returncode == 0:
            return status_of(json.loads(done.stdout))
        if "not found" in done.stderr:
            return None
        raise CommandFailedError(done)

    def _argv(self, *words: str) -> list[str]:
        return [str(self.program), *words, "--namespace", self.namespace]

    def _cluster(self) -> list[str]:
        return ["--kubeconfig", str(self.kubeconfig), "--kube-context", self.context]

    def _run(self, argv: Sequence[str], *, timeout: float, check: bool = True) -> Completed:
        env = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        return run(argv, timeout=timeout, env=env, check=check)


def status_of(release: Mapping[str, Any]) -> str:
    """The status in helm's JSON about a release; ``unknown`` when it does not say."""
    return str((release.get("info") or {}).get("status") or "unknown")


@contextmanager
def helm_for(access: MeshAccess, settings: MeshSettings) -> Iterator[tuple[Helm, list[Path]]]:
    """Helm with a folder of its own, and the values files in their order: later ones win."""
    with TemporaryDirectory(prefix="meshproof-helm-") as folder:
        home = Path(folder)
        first, last = home / "defaults.yaml", home / "overrides.yaml"
        first.write_text(json.dumps(settings.defaults), encoding="utf-8")
        last.write_text(json.dumps(settings.overrides), encoding="utf-8")
        helm = Helm(
            program=access.helm,
            kubeconfig=access.kubeconfig,
            context=access.context,
            namespace=settings.namespace,
            release=settings.release,
            home=home,
        )
        yield helm, [first, *settings.values, last]


def _values(files: Sequence[Path]) -> list[str]:
    return [word for path in files for word in ("--values", str(path))]


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"
