"""Which engine is chosen, and what podman is told about this host."""

from pathlib import Path
from typing import Any

import pytest

from meshproof.engine.find import NoEngineError, choose_engine, find_engine, settings_for
from meshproof.engine.host import UNLIMITED, Limit
from meshproof.engine.trial import Trial
from meshproof.model.errors import BadInputError, ExitCode

WORKS = Trial(state="works", words="26.1.0")
REFUSED = Trial(state="refused", words="operation not permitted")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"docker": WORKS}, "docker", id="docker-first"),
        pytest.param({"docker": REFUSED}, "podman", id="docker-refuses"),
        pytest.param({"docker": WORKS, "wanted_engine": "podman"}, "podman", id="asked-podman"),
        pytest.param({"docker": REFUSED, "wanted_engine": "docker"}, None, id="asked-docker"),
        pytest.param({"uid": 1000}, None, id="rootless"),
        pytest.param({"without": ("podman",)}, None, id="nothing"),
    ],
)
def test_choice(host: Any, changes: dict[str, Any], expected: str | None) -> None:
    assert choose_engine(host(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, None, id="ordinary"),
        pytest.param(
            {"cgroups": "hybrid"}, '[containers]\n\n[engine]\nruntime = "runc"\n', id="hybrid-with-systemd"
        ),
        pytest.param(
            {"systemd": False}, '[containers]\n\n[engine]\ncgroup_manager = "cgroupfs"\n', id="no-systemd"
        ),
        pytest.param(
            {
                "cgroups": "hybrid",
                "systemd": False,
                "cap_sys_resource": False,
                "nofile": Limit(soft=1024, hard=20_000),
                "nproc": Limit(soft=96_365, hard=96_365),
            },
            '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]\n\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n',
            id="measured-host",
        ),
        pytest.param(
            {
                "cap_sys_resource": False,
                "nofile": Limit(soft=1024, hard=UNLIMITED),
                "nproc": Limit(soft=500, hard=500),
            },
            '[containers]\ndefault_ulimits = ["nofile=1048576:1048576", "nproc=500:500"]\n\n[engine]\n',
            id="never-above-hard",
        ),
    ],
)
def test_settings_say_only_what_must_differ(host: Any, changes: dict[str, Any], expected: str | None) -> None:
    assert settings_for(host(**changes)) == expected


def test_docker_needs_only_to_be_named_to_kind(host: Any, tmp_path: Path) -> None:
    engine = find_engine(host(docker=WORKS, tools={"docker": "26.1.0"}), tmp_path)

    assert (engine.name, engine.program) == ("docker", "/usr/bin/docker")
    assert engine.env == {"KIND_EXPERIMENTAL_PROVIDER": "docker"}
    assert list(tmp_path.iterdir()) == []


def test_podman_of_an_ordinary_host_keeps_its_own_settings(host: Any, tmp_path: Path) -> None:
    engine = find_engine(host(), tmp_path)

    assert engine.env == {"KIND_EXPERIMENTAL_PROVIDER": "podman"}


def test_podman_gets_settings_by_its_environment(host: Any, tmp_path: Path) -> None:
    facts = host(systemd=False)

    engine = find_engine(facts, tmp_path)
    again = find_engine(facts, tmp_path)

    written = tmp_path / "engine/containers.conf"
    assert engine == again
    assert engine.env["CONTAINERS_CONF"] == str(written)
    assert written.read_text() == settings_for(facts)
    assert list(written.parent.iterdir()) == [written]


def test_unwritable_cache_is_refused_with_a_remedy(host: Any, tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("a file where the folder belongs")

    with pytest.raises(BadInputError, match="MESHPROOF_CACHE"):
        find_engine(host(systemd=False), tmp_path)


def test_nothing_usable_is_bad_input_with_dockers_reason(host: Any, tmp_path: Path) -> None:
    with pytest.raises(NoEngineError, match="operation not permitted") as caught:
        find_engine(host(docker=REFUSED, wanted_engine="docker"), tmp_path)

    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert "NO-ENGINE: container engine: docker cannot run a node here" in str(caught.value)
