"""What passes between proxies and workloads."""

from fixtures.catalogue import requirement
from fixtures.verdicts import Facts
from fixtures.workloads import Echo
from meshproof.judge.configuration import servers_by_service
from meshproof.mesh.traefik_mesh import TraefikMesh


@requirement("TM-SEC-027")
def test_proxies_and_workloads_prove_who_they_are(
    mesh: TraefikMesh, routed: float, echo: Echo, evidence: Facts
) -> None:
    """Every proxy speaks TLS to the server's replicas, with a certificate of its own."""
    del routed
    for proxy in mesh.proxies():
        configuration = mesh.proxy_configuration(proxy)
        servers = servers_by_service(configuration).get(echo.label.removesuffix("@http"), [])
        balancer = configuration["services"].get(echo.label, {}).get("loadBalancer", {})
        transport = balancer.get("serversTransport")

        evidence.record({"proxy": proxy.name, "servers": sorted(servers), "transport": transport})
        assert servers
        assert [each for each in servers if not each.startswith("https://")] == []
        assert transport, "no certificate to show"
