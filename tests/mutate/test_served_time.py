"""Changes with a memory: what they serve from one poll to the next."""

import copy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meshproof.mutate import served
from meshproof.mutate.served import CHANGES, Scope

NS = "mp-1"
Config = dict[str, Any]


def with_services(**servers: list[str]) -> Config:
    routers: Config = {"readiness": {"service": "readiness", "rule": "Path(`/ping`)"}}
    services: Config = {}
    for name, listed in servers.items():
        key = f"{NS}-{name.replace('_', '-')}-80"
        rule = f"Host(`{name.replace('_', '-')}.{NS}.traefik.mesh`)"
        routers[key] = {"entryPoints": ["http-5000"], "service": key, "rule": rule}
        services[key] = {"loadBalancer": {"servers": [{"url": each} for each in listed]}}
    return {"http": {"routers": routers, "services": services}}


def with_streams(**points: str) -> Config:
    return {
        "tcp": {"routers": {f"{NS}-{name}-9000": {"entryPoints": [each]} for name, each in points.items()}}
    }


class Polls:
    """Polls of one mutant, at times that a test gives."""

    def __init__(self, name: str, patch: pytest.MonkeyPatch) -> None:
        self._change = CHANGES[name]
        self._scope = Scope(namespace=NS)
        self._patch = patch

    def poll(self, configuration: Config, at: float = 0.0) -> Config:
        self._patch.setattr("meshproof.mutate.served_time.time.monotonic", lambda: 1000.0 + at)
        asked = copy.deepcopy(configuration)
        self._change(asked, self._scope)
        served = copy.deepcopy(asked)
        asked.clear()  # what was served is not the memory
        return served


OLD, NEW = with_services(server=["http://a"]), with_services(server=["http://b"], late=["http://c"])


def test_frozen_configuration_stays_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("configuration-frozen", monkeypatch)

    assert [polls.poll(each) for each in (OLD, NEW, NEW)] == [OLD, OLD, OLD]


def test_stalled_controller_never_took_up_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("controller-stalls-on-error", monkeypatch)
    sample = with_services(server=["http://a"], said_http=["http://a"])

    assert f"{NS}-said-http-80" not in polls.poll(sample)["http"]["routers"]
    assert f"{NS}-late-80" not in polls.poll(NEW)["http"]["routers"]


def test_lagging_proxy_is_served_what_was_so_20_s_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("proxy-lags", monkeypatch)
    asked = [(OLD, 0), (NEW, 30), (NEW, 49), (NEW, 50), (OLD, 51), (OLD, 70), (OLD, 71)]

    assert [polls.poll(each, at) for each, at in asked] == [OLD, OLD, OLD, NEW, NEW, NEW, OLD]


def test_stale_server_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("backend-stale", monkeypatch)
    polls.poll(OLD)

    services = polls.poll(NEW)["http"]["services"]

    assert services[f"{NS}-server-80"]["loadBalancer"]["servers"] == [
        {"url": "http://a"},
        {"url": "http://b"},
    ]
    assert services[f"{NS}-late-80"]["loadBalancer"]["servers"] == [{"url": "http://c"}]


def test_deleted_service_keeps_its_router(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("route-kept-after-deletion", monkeypatch)
    assert polls.poll(NEW) == NEW

    http = polls.poll(OLD)["http"]

    assert http["routers"][f"{NS}-late-80"]["service"] == f"{NS}-late-80-kept"
    assert f"{NS}-late-80-kept" in http["services"]
    assert f"{NS}-late-80" not in http["services"]


def test_routes_flap(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("route-flaps", monkeypatch)

    times = (0, 0.7, 1.2, 1.7, 2.2, 3.2)

    there = [f"{NS}-server-80" in polls.poll(OLD, at)["http"]["routers"] for at in times]

    assert there == [True, True, False, False, True, False]


def test_change_costs_the_routers_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("router-dropped-on-change", monkeypatch)
    asked = [(OLD, 0), (OLD, 10), (NEW, 11), (NEW, 14), (NEW, 16)]

    there = [f"{NS}-server-80" in polls.poll(each, at)["http"]["routers"] for each, at in asked]

    assert there == [True, True, False, False, True]


@pytest.mark.parametrize(
    ("mutant", "part"),
    [("split-kept-after-removal", "traffic-split"), ("removal-does-not-revoke", "traffic-target")],
)
def test_removed_object_stays(monkeypatch: pytest.MonkeyPatch, mutant: str, part: str) -> None:
    polls = Polls(mutant, monkeypatch)
    name = f"{NS}-server-new-80-{part}"
    with_it = copy.deepcopy(OLD)
    with_it["http"]["routers"][f"{name}-direct"] = {"service": name}
    with_it["http"]["services"][name] = {"loadBalancer": {}}
    with_it["http"]["middlewares"] = {f"{name}-list": {"ipWhiteList": {"sourceRange": ["10.0.0.9"]}}}
    polls.poll(with_it)

    assert polls.poll(OLD) == with_it


def test_split_keeps_its_first_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("split-frozen", monkeypatch)
    before, after = (
        {"http": {"services": {f"{NS}-s-s-80-traffic-split": {"weighted": {"services": [{"weight": w}]}}}}}
        for w in (4, 1)
    )
    polls.poll(before)

    assert polls.poll(after) == before


def test_whitelist_keeps_its_first_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("whitelist-frozen", monkeypatch)
    before, after = (
        {"http": {"middlewares": {f"{NS}-open": {"ipWhiteList": {"sourceRange": [each]}}}}}
        for each in ("10.0.0.1", "10.0.0.2")
    )
    polls.poll(before)

    assert polls.poll(after) == before


BEFORE, LATER = with_streams(first="p-0", gone="p-1"), with_streams(first="p-0", late="p-1", new="p-2")


def test_freed_tcp_port_carries_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("tcp-port-leaked", monkeypatch)
    polls.poll(BEFORE)

    assert polls.poll(LATER)["tcp"]["routers"].keys() == {f"{NS}-first-9000", f"{NS}-new-9000"}


def test_freed_udp_port_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def udp(configuration: Config) -> Config:
        routers = configuration["tcp"]["routers"]
        servers = {name: {"loadBalancer": {"servers": [{"address": "10.0.0.1:1"}]}} for name in routers}
        named = {name: {**router, "service": name} for name, router in routers.items()}
        return {"udp": {"routers": named, "services": servers}}

    polls = Polls("udp-port-leaked", monkeypatch)
    polls.poll(udp(BEFORE))

    led = polls.poll(udp(LATER))["udp"]["services"]
    assert {name: each["loadBalancer"]["servers"][0]["address"] for name, each in led.items()} == {
        f"{NS}-first-9000": "10.0.0.1:1",
        f"{NS}-late-9000": "127.0.0.1:9",
        f"{NS}-new-9000": "10.0.0.1:1",
    }


def test_pods_are_followed_late_and_a_new_service_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    polls = Polls("endpoints-follow-late", monkeypatch)
    gone = with_services(server=[], late=["http://c"])

    def servers(configuration: Config, at: float) -> list[list[Config]]:
        services = polls.poll(configuration, at)["http"]["services"].values()
        return [each["loadBalancer"].get("servers", []) for each in services]

    assert servers(OLD, 0) == [[{"url": "http://a"}]]
    assert servers(NEW, 1) == [[{"url": "http://a"}], [{"url": "http://c"}]]
    assert servers(gone, 18.5) == [[{"url": "http://a"}], [{"url": "http://c"}]]
    assert servers(gone, 19) == [[{"url": "http://b"}], [{"url": "http://c"}]]
    assert servers(gone, 36.5) == [[], [{"url": "http://c"}]]


def test_it_runs_without_its_package(tmp_path: Path) -> None:
    for path in Path(served.__file__).parent.glob("served*.py"):
        if path.name != "shimmed.py":
            shutil.copy(path, tmp_path)

    told = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import sys; sys.path[:0] = ['.']; import served; print(len(served.CHANGES))",
        ],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert int(told.stdout) == len(CHANGES)
