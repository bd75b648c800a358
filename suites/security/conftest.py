"""What the security checks share: the door to raw bytes."""

import pytest

from fixtures.probe import Client
from fixtures.wire import Wire
from fixtures.workloads import Echo
from meshproof.cluster.workloads import Workloads


@pytest.fixture
def wire(client: Client, echo: Echo, workloads: Workloads) -> Wire:
    """Raw bytes to the server's mesh address."""
    return Wire(client, echo, workloads)
