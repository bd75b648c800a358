"""Helm's argument lists, to the word."""

from pathlib import Path
from typing import Any

import pytest

from meshproof.engine.process import CommandFailedError
from meshproof.mesh.helm import Helm, status_of

CHART = Path("/chart")
VALUES = [Path("/a.yaml"), Path("/b.yaml")]


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    return Helm(
        program=Path("/bin/helm"),
        kubeconfig=Path("/kc"),
        context="kind-demo",
        namespace="tm",
        release="rel",
        home=tmp_path,
    )


def test_template_argv(helm: Helm) -> None:
    assert helm.template_argv(CHART, VALUES) == [
        *("/bin/helm", "template", "rel", "/chart", "--namespace", "tm"),
        *("--include-crds", "--kube-version", "1.34.0"),
        *("--values", "/a.yaml", "--values", "/b.yaml"),
    ]


def test_upgrade_argv(helm: Helm) -> None:
    assert helm.upgrade_argv(CHART, VALUES, timeout_s=120.0) == [
        *("/bin/helm", "upgrade", "rel", "/chart", "--namespace", "tm"),
        *("--kubeconfig", "/kc", "--kube-context", "kind-demo"),
        *("--install", "--reset-values", "--timeout", "120s"),
        *("--values", "/a.yaml", "--values", "/b.yaml"),
    ]


@pytest.mark.parametrize(("hooks", "last"), [(True, "60s"), (False, "--no-hooks")])
def test_uninstall_argv(helm: Helm, last: str, *, hooks: bool) -> None:
    argv = helm.uninstall_argv(timeout_s=60.0, hooks=hooks)

    assert argv[:12] == [
        *("/bin/helm", "uninstall", "rel", "--namespace", "tm"),
        *("--kubeconfig", "/kc", "--kube-context", "kind-demo"),
        *("--wait", "--timeout", "60s"),
    ]
    assert argv[-1] == last


def test_status_argv(helm: Helm) -> None:
    assert helm.status_argv() == [
        *("/bin/helm", "status", "rel", "--namespace", "tm"),
        *("--kubeconfig", "/kc", "--kube-context", "kind-demo"),
        *("--output", "json"),
    ]


def test_a_timeout_below_a_second_is_one_second(helm: Helm) -> None:
    assert "1s" in helm.upgrade_argv(CHART, [], timeout_s=0.2)


def test_status_is_read_from_helms_json(helm: Helm, fake_helm: Any) -> None:
    fake_helm.answers["status"] = '{"info": {"status": "pending-install"}}'

    assert helm.status() == "pending-install"
    assert status_of({}) == "unknown"


def test_no_release_is_no_error(helm: Helm, fake_helm: Any) -> None:
    fake_helm.answers["status"] = RuntimeError("Error: release: not found")

    assert helm.status() is None


def test_any_other_refusal_of_status_is_an_error(helm: Helm, fake_helm: Any) -> None:
    fake_helm.answers["status"] = RuntimeError("Error: Kubernetes cluster unreachable")

    with pytest.raises(CommandFailedError, match="unreachable"):
        helm.status()


def test_the_calls_use_those_argument_lists(helm: Helm, fake_helm: Any) -> None:
    fake_helm.answers["template"] = "kind: X"

    assert helm.template(CHART, []) == "kind: X"
    helm.upgrade(CHART, [], timeout_s=5.0)
    helm.uninstall(timeout_s=5.0, hooks=False)

    assert fake_helm.verbs == ["template", "upgrade", "uninstall"]
