"""The run's certificates: what the proxies are told, and whom a client that believes them lets in."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from meshproof.cluster.kube import KubeApi
from meshproof.mesh.certificates import Certificates, pod_addresses

ADDRESSES = ["10.244.0.7", "10.244.0.8"]


@pytest.fixture(scope="module")
def made() -> Certificates:
    return Certificates()


def handshake(made: Certificates, folder: Path, name: str, asked: str) -> None:
    """A TLS handshake in memory between a server with these files and a client as the proxies are."""
    for file, text in made.secret(ADDRESSES, namespace="demo").items():
        (folder / file).write_text(text)
    server_settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_settings.load_cert_chain(folder / f"{name}.pem", folder / f"{name}-key.pem")
    client_settings = ssl.create_default_context(
        cadata=made.proxy_argument().removeprefix("--serversTransport.rootCAs=")
    )
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_settings.wrap_bio(down, up, server_hostname=asked)
    server = server_settings.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("address", ADDRESSES)
def test_trusted_server_is_let_in_at_every_address(made: Certificates, tmp_path: Path, address: str) -> None:
    handshake(made, tmp_path, "trusted", address)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        pytest.param("stranger", "10.244.0.7", id="unknown-authority"),
        pytest.param("trusted", "10.244.0.9", id="another-address"),
        pytest.param("named", "10.244.0.7", id="names-only"),
    ],
)
def test_others_are_not_let_in(made: Certificates, tmp_path: Path, name: str, asked: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made, tmp_path, name, asked)


def test_certificate_for_the_services_names_is_good_for_them(made: Certificates, tmp_path: Path) -> None:
    handshake(made, tmp_path, "named", "named.demo.svc.cluster.local")


def test_proxies_are_told_by_their_arguments(made: Certificates) -> None:
    assert made.proxy_values() == {"proxy": {"additionalArguments": [made.proxy_argument()]}}


class Nodes(KubeApi):
    """An API server that lists two nodes."""

    def __init__(self) -> None:
        """Connects to nothing."""

    def items(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        assert path == "/api/v1/nodes"
        return [{"spec": {"podCIDR": each}} for each in ("10.244.0.0/24", "10.244.1.0/30")]


def test_addresses_are_those_of_every_node() -> None:
    found = pod_addresses(Nodes())

    assert (found[0], found[253], found[254:]) == ("10.244.0.1", "10.244.0.254", ["10.244.1.1", "10.244.1.2"])
