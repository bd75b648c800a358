"""The recipes of the checkout agree with each other."""

import re
import tomllib

import pytest

from meshproof.bundle.lock import LOCK_PATH, load_lock

FOLDER = LOCK_PATH.parent
NODE = FOLDER / "images/node/rootfs"


def test_containerd_uses_the_pause_image_of_the_bundle() -> None:
    config = tomllib.loads((NODE / "etc/containerd/config.toml").read_text(encoding="utf-8"))

    sandbox = config["plugins"]["io.containerd.grpc.v1.cri"]["sandbox_image"]

    assert sandbox in [image.reference for image in load_lock().image if image.role == "pause"]


def test_every_program_of_the_node_is_executable() -> None:
    programs = [NODE / "usr/local/bin/entrypoint", *(NODE / "usr/local/lib/meshproof").iterdir()]
    hooks = [FOLDER / hook for row in load_lock().userland for hook in row.hooks]

    assert len(programs) >= 4
    assert all(path.stat().st_mode & 0o111 == 0o111 for path in programs + hooks)


def test_units_name_programs_that_are_there() -> None:
    for unit in (NODE / "etc/systemd/system").glob("*.service"):
        if unit.is_symlink():
            continue
        for path in re.findall(
            r"^Exec\w+=(/usr/local/lib/\S+)", unit.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert (NODE / path.lstrip("/")).is_file(), f"{unit.name}: {path}"


@pytest.mark.parametrize("name", ["images/client/requirements.txt", "go/toolchain.txt"])
def test_wheels_are_pinned_by_hash_and_name_no_server(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[\w.-]+==\S+ \\$", text, re.MULTILINE)

    assert pins
    assert len(re.findall(r"^\s+--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) >= len(pins)
    assert "://" not in text
    assert "--index-url" not in text


def test_every_module_has_its_checksums() -> None:
    for component in load_lock().component:
        if component.module:
            assert (FOLDER / component.folder / "go.sum").stat().st_size > 1000, component.name


def test_kubernetes_is_stamped_with_its_version() -> None:
    component = next(each for each in load_lock().component if each.name == "kubernetes")

    assert component.stamp["k8s.io/component-base/version.gitVersion"] == component.version
