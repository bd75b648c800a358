"""CoreDNS's configuration: each edit on a Corefile as it is, applied and put back."""

import copy
from typing import Any

import pytest

from meshproof.engine.waiting import WaitTimedOutError
from meshproof.judge.corefile import blocks
from meshproof.mutate.dns import MUTANTS, Corefile
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground
from tests.mutate.fake_ground import CONFIG_MAP, COREDNS, MESH, FakeKube, FakeMesh, FakeShim, ground, workload

ZONE = """\
#### Begin {title} Block
{zone}:53 {{
    errors
    rewrite continue {{
        name regex ([a-zA-Z0-9-_]*)\\.([a-zv0-9-_]*)\\.{zone} \
traefik-mesh-{{1}}-6d61657368-{{2}}.traefik-mesh.svc.cluster.local
        answer name traefik-mesh-([a-zA-Z0-9-_]*)-6d61657368-([a-zA-Z0-9-_]*)\
\\.traefik-mesh\\.svc\\.cluster\\.local {{1}}.{{2}}.{zone}
    }}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}}
#### End {title} Block
"""
ROOT = """\
.:53 {
    errors
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
    }
    loop
    reload
    loadbalance
}
"""
COREFILE = "\n".join(
    (ROOT, ZONE.format(title="Maesh", zone="maesh"), ZONE.format(title="Traefik Mesh", zone="traefik.mesh"))
)
NAMED = {each.name: each for each in MUTANTS}
OTHER = Corefile(edit=lambda corefile, _: f"{corefile}# another\n")


@pytest.fixture(autouse=True)
def installed(kube: FakeKube) -> dict[str, Any]:
    """CoreDNS as the mesh has prepared it; its deployment's spec."""
    kube.objects |= {
        "/api/v1/namespaces/mp-run/services/server": {"spec": {"clusterIP": "10.1.0.1"}},
        f"{MESH}/services/traefik-mesh-server-6d61657368-mp-run": {"spec": {"clusterIP": "10.1.0.2"}},
        COREDNS: workload("coredns"),
        CONFIG_MAP: {"metadata": {"name": "coredns", "resourceVersion": "1"}, "data": {"Corefile": COREFILE}},
    }
    spec: dict[str, Any] = copy.deepcopy(kube.objects[COREDNS]["spec"])
    return spec


def corefile(kube: FakeKube) -> str:
    return str(kube.objects[CONFIG_MAP]["data"]["Corefile"])


def edited(name: str, ready: Ground) -> str:
    change = NAMED[name].change
    assert isinstance(change, Corefile)
    return change.edit(COREFILE, ready)


def test_coredns_is_restarted_with_the_other_corefile(
    ready: Ground, kube: FakeKube, installed: dict[str, Any]
) -> None:
    with OTHER.applied(ready):
        assert corefile(kube) == f"{COREFILE}# another\n"
        annotations = kube.objects[COREDNS]["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"mark": "the mesh's", "dev.meshproof/mutant": "applied"}

    assert corefile(kube) == COREFILE
    assert kube.objects[COREDNS]["spec"] == installed
    assert kube.done == ["merge coredns"] * 4


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_corefile_is_put_back_after_an_error(
    ready: Ground, kube: FakeKube, installed: dict[str, Any], error: type[BaseException]
) -> None:
    with pytest.raises(error), OTHER.applied(ready):
        raise error

    assert corefile(kube) == COREFILE
    assert kube.objects[COREDNS]["spec"] == installed


def test_corefile_that_coredns_refuses_is_put_back(
    ready: Ground, kube: FakeKube, installed: dict[str, Any]
) -> None:
    kube.stuck = True

    with pytest.raises(WaitTimedOutError, match="coredns has rolled out"), OTHER.applied(ready):
        pytest.fail("the block ran")

    assert corefile(kube) == COREFILE
    assert kube.objects[COREDNS]["spec"] == installed


def test_edit_that_finds_nothing_is_refused(ready: Ground, kube: FakeKube) -> None:
    kube.objects[CONFIG_MAP]["data"]["Corefile"] = ROOT

    with pytest.raises(NothingChangedError), NAMED["dns-slow"].change.applied(ready):
        pytest.fail("the block ran")

    assert kube.done == []


def test_coredns_of_the_mesh_itself_is_the_one(ready: Ground, kube: FakeKube) -> None:
    own = CONFIG_MAP.replace("kube-system", "traefik-mesh")
    kube.objects |= {
        path.replace("kube-system", "traefik-mesh"): copy.deepcopy(each)
        for path, each in kube.objects.items()
    }

    with OTHER.applied(ready):
        assert kube.objects[own]["data"]["Corefile"] != COREFILE
        assert corefile(kube) == COREFILE


def test_served_change_comes_and_goes_with_it(ready: Ground, kube: FakeKube, mesh: FakeMesh) -> None:
    shim = FakeShim()
    assert ready.kube is not None

    with NAMED["plain-name-through-the-mesh"].change.applied(ground(kube, mesh, shim)):
        assert shim.orders == ["plain-host-routed mp-run"]

    assert shim.orders[1:] == [""]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_edit_makes_another_corefile(ready: Ground, mutant: Any) -> None:
    changed = mutant.change.edit(COREFILE, ready)

    assert changed != COREFILE
    assert blocks(changed)[".:53"]


@pytest.mark.parametrize(
    ("name", "zones"),
    [
        ("dns-block-missing", [".:53"]),
        ("dns-old-block-missing", [".:53", "traefik.mesh:53"]),
        ("dns-slow", [".:53", "maesh:53", "traefik.mesh:53", "traefik.mesh:5399", ".:5398"]),
        ("dns-case-sensitive", [".:53", "maesh:53", "traefik.mesh:53", "traefik.mesh:5399"]),
        ("aaaa-servfail", [".:53", "maesh:53", "traefik.mesh:53"]),
    ],
)
def test_server_blocks_of_an_edit(ready: Ground, name: str, zones: list[str]) -> None:
    assert list(blocks(edited(name, ready))) == zones


@pytest.mark.parametrize(
    ("name", "zone", "line"),
    [
        ("dns-to-plain-service", "maesh:53", r"\.maesh {1}.{2}.svc.cluster.local"),
        ("dns-to-plain-service", "traefik.mesh:53", r"]*)\.([a-zA-Z0-9-_]*)\.svc\.cluster\.local {1}.{2}.t"),
        ("dns-old-name-past-the-mesh", "maesh:53", r"\.maesh {1}.{2}.svc.cluster.local"),
        (
            "dns-second-address",
            "traefik.mesh:53",
            '5 IN A 10.1.0.2"\n        answer "{{ .Name }} 5 IN A 10.1.0.1',
        ),
        (
            "dns-second-address",
            "maesh:53",
            r"\-server\-6d61657368\-mp\-run\.traefik\-mesh\.svc\.cluster\.local\.$",
        ),
        ("unknown-name-resolves", "maesh:53", "erratic {"),
        ("unknown-name-servfail", "maesh:53", "rcode regex -6d61657368- NXDOMAIN SERVFAIL"),
        ("aaaa-servfail", "traefik.mesh:53", "rewrite stop {"),
        ("aaaa-nxdomain", "traefik.mesh:53", "rcode NXDOMAIN"),
        ("ttl-of-a-day", "traefik.mesh:53", "rewrite continue ttl regex .* 86400"),
        ("dns-slow", "traefik.mesh:53", "forward . 127.0.0.1:5398 127.0.0.1:5399 {"),
        ("plain-name-through-the-mesh", ".:53", r"regex ^([a-z0-9-]+)\.mp-run\.svc\.cluster\.local\.$"),
        (
            "search-list-hijacked",
            ".:53",
            r"(svc\.)?cluster\.local\.$ traefik-mesh-{1}-6d61657368-{2}.traefik-",
        ),
        ("dns-pattern-without-digits", "maesh:53", r"name regex ([a-zA-Z-_]*)\.([a-zv0-9-_]*)\.maesh"),
        ("dns-case-sensitive", "traefik.mesh:53", "{{ if eq .Name .Question.Name }}{{ .Name }} 5 IN CNAME"),
        ("external-name-taken-in", "maesh:53", r"-external\-6d61657368\-[a-z0-9-]+\.traefik\-mesh\.svc"),
        ("dns-tcp-missing", "maesh:53", "expr proto() == 'udp'"),
    ],
)
def test_line_of_an_edit(ready: Ground, name: str, zone: str, line: str) -> None:
    assert line in blocks(edited(name, ready))[zone]
    assert line not in COREFILE


@pytest.mark.parametrize("name", ["ttl-of-a-day", "unknown-name-resolves", "dns-to-plain-service"])
def test_edit_of_the_meshs_zones_leaves_the_others_alone(ready: Ground, name: str) -> None:
    assert blocks(edited(name, ready))[".:53"] == blocks(COREFILE)[".:53"]


def test_rewritten_corefile_keeps_the_meshs_zones(ready: Ground) -> None:
    changed = blocks(edited("corefile-rewritten", ready))

    assert "loadbalance" not in changed.pop(".:53")
    assert changed == {zone: each for zone, each in blocks(COREFILE).items() if zone != ".:53"}


def test_newer_names_stay_where_the_older_ones_lead_past_the_mesh(ready: Ground) -> None:
    changed = blocks(edited("dns-old-name-past-the-mesh", ready))

    assert changed.pop("maesh:53") != blocks(COREFILE)["maesh:53"]
    assert changed == {zone: each for zone, each in blocks(COREFILE).items() if zone != "maesh:53"}
