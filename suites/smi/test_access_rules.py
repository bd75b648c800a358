"""Access control by HTTPRouteGroup: path, method, header; and what only looks like an allowed path."""

import pytest

from fixtures.access import Door
from fixtures.catalogue import profile, requirement
from fixtures.probe import Client
from fixtures.smi import SmiService
from meshproof.model.raw_http import raw_request, raw_responses

pytestmark = profile("acl")


@requirement("TM-SMI-024")
def test_path_decides(client: Client, intruder: Client, door: Door, smi_service: SmiService) -> None:
    """The path of the rule and what lies under it is open to the source, and nothing else of the service."""
    guarded = smi_service("guarded")

    for path in ("/reports", "/reports/2024", "/reports/2024?format=json&q=/elsewhere"):
        url = guarded.mesh_url(path)
        assert client.get(url).status == 200, url
        assert door.knock(intruder, url, app="guarded") is None
    for path in ("/", "/elsewhere", "/elsewhere?q=/reports", "/not-referred-to"):
        assert door.knock(client, guarded.mesh_url(path), app="guarded") is None


@requirement("TM-SMI-025")
def test_method_decides(client: Client, door: Door, smi_service: SmiService) -> None:
    """The methods of the rule are allowed on its path, and no others."""
    url = smi_service("guarded").mesh_url("/by-method?format=json")

    allowed = client.send([client.request(url, method=method) for method in ("GET", "HEAD")])

    assert [each.status for each in allowed] == [200, 200]
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert door.knock(client, url, app="guarded", method=method) is None


@requirement("TM-SMI-026")
def test_header_decides(client: Client, door: Door, smi_service: SmiService) -> None:
    """Only a request with the header of the rule, of a value that the expression describes, is let in."""
    url = smi_service("guarded").mesh_url("/by-header?format=json")

    assert door.let_in(client.get(url, headers=[("X-Team", "blue")])) is None
    for headers in ([], [("X-Team", "red")], [("X-Team", "navy-blue")], [("X-Teams", "blue")]):
        assert door.knock(client, url, app="guarded", headers=headers) is None


@requirement("TM-SMI-036")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/REPORTS", id="other-case"),
        pytest.param("//reports", id="double-slash"),
        pytest.param("/report", id="shorter"),
        pytest.param("/x/reports", id="deeper"),
        pytest.param("/;/reports", id="parameter"),
        pytest.param("/%2freports", id="encoded-slash"),
        pytest.param("/elsewhere%3f/reports", id="encoded-question-mark"),
    ],
)
def test_similar_paths_stay_closed(client: Client, door: Door, smi_service: SmiService, path: str) -> None:
    """A path that resembles the allowed one is another path."""
    assert door.knock(client, smi_service("guarded").mesh_url(path), app="guarded") is None


@requirement("TM-SMI-047")
def test_longer_word_stays_closed(client: Client, door: Door, smi_service: SmiService) -> None:
    """What only begins with the same letters does not lie under the path."""
    url = smi_service("guarded").mesh_url("/reports-of-others?format=json")

    assert door.knock(client, url, app="guarded") is None


@requirement("TM-SMI-048")
@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/reports/../elsewhere", id="plain"),
        pytest.param("/reports/%2e%2e/elsewhere", id="encoded-dots"),
        pytest.param("/reports/..%2felsewhere", id="encoded-slash"),
    ],
)
def test_dot_segments_lead_nowhere_else(
    client: Client, door: Door, smi_service: SmiService, target: str
) -> None:
    """A path that leaves the allowed one by dot segments is judged by where it leads."""
    del door
    host = smi_service("guarded").mesh_host

    exchange = client.tcp(
        host, 80, raw_request(target, [f"Host: {host}", "Connection: close"]), half_close=False
    )

    answer = raw_responses(exchange.received)[0]
    assert answer.header("X-Echo-Hostname") is None, f"{target} reached the server"
