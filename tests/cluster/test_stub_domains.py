"""kube-dns's ConfigMap as a Corefile, and the program that writes it."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from meshproof.cluster import stub_domains
from meshproof.cluster.stub_domains import corefile
from meshproof.judge.corefile import blocks


def test_without_configuration_the_cluster_is_served_and_the_rest_left_to_the_node() -> None:
    found = blocks(corefile({}, cluster_domain="cluster.local"))

    assert list(found) == [".:53"]
    assert "kubernetes cluster.local in-addr.arpa ip6.arpa {" in found[".:53"]
    assert "forward . /etc/resolv.conf" in found[".:53"]


def test_each_stub_domain_is_asked_of_its_servers() -> None:
    stubs = {"traefik.mesh": ["10.96.0.7"], "corp.example": ["192.0.2.1", "192.0.2.2"]}

    found = blocks(corefile({"stubDomains": json.dumps(stubs)}, cluster_domain="cluster.local"))

    assert list(found) == ["corp.example:53", "traefik.mesh:53", ".:53"]
    assert "forward . 192.0.2.1 192.0.2.2\n" in found["corp.example:53"]
    assert "forward . 10.96.0.7\n" in found["traefik.mesh:53"]


def test_stub_domains_may_be_empty() -> None:
    assert list(blocks(corefile({"stubDomains": "{}"}, cluster_domain="cluster.local"))) == [".:53"]


def test_upstream_servers_replace_the_nodes() -> None:
    text = corefile({"upstreamNameservers": '["192.0.2.9"]'}, cluster_domain="cluster.local")

    assert "forward . 192.0.2.9\n" in text
    assert "resolv.conf" not in text


def test_what_kube_dns_would_not_start_with_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        corefile({"stubDomains": "traefik.mesh"}, cluster_domain="cluster.local")


def test_program_reads_a_mounted_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = tmp_path / "kube-dns-config"
    (mounted / "..data").mkdir(parents=True)
    (mounted / "stubDomains").write_text('{"traefik.mesh": ["10.96.0.7"]}')
    target = tmp_path / "Corefile"
    monkeypatch.setattr(sys, "argv", ["stub_domains.py", str(mounted), str(target), "cluster.example"])

    runpy.run_path(str(stub_domains.__file__), run_name="__main__")

    assert "forward . 10.96.0.7\n" in target.read_text()
    assert "kubernetes cluster.example " in target.read_text()
