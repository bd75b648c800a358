"""An API server on loopback, and a client of it."""

from collections.abc import Iterator

import pytest
from kubernetes import client

from meshproof.cluster.kube import KubeApi
from tests.cluster.api_server import ApiServer, serving


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving() as running:
        yield running


@pytest.fixture
def kube(server: ApiServer) -> KubeApi:
    return kube_at(server.url)


def kube_at(url: str) -> KubeApi:
    settings = client.Configuration()
    settings.host = url
    settings.retries = False
    return KubeApi(client.ApiClient(settings))
