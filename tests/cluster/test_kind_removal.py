"""What is removed with a cluster, and what is never done to what is not ours."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from meshproof.cluster.kind import ForeignClusterError, KindCluster
from meshproof.model.errors import BadInputError
from tests.cluster.kind_door import FOREIGN, OURS, Door, kubeconfig


def test_kubeconfig_that_holds_other_clusters_survives(
    new_cluster: Callable[..., KindCluster], tmp_path: Path
) -> None:
    """The option names a file that may be the user's own: kind merges into it, we must not delete it."""
    mine = tmp_path / "config"
    mine.write_text(kubeconfig("https://production.example"))
    cluster = new_cluster(kubeconfig=mine)

    cluster.delete()

    assert "production.example" in mine.read_text()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("..", id="folder-above"),
        pytest.param(".", id="all-clusters"),
        pytest.param("../../precious", id="elsewhere"),
    ],
)
def test_name_that_is_a_path_removes_nothing(
    new_cluster: Callable[..., KindCluster], folder: Path, name: str
) -> None:
    """What is removed is named by the cluster: a name that leads elsewhere must be refused before."""
    files = [folder / "notes", folder / ".pytest-kind/other/kubeconfig", folder.parent / "precious/data"]
    for each in files:
        each.parent.mkdir(parents=True, exist_ok=True)
        each.touch()

    with contextlib.suppress(BadInputError, OSError):
        new_cluster(name).create()

    assert [each for each in files if not each.exists()] == []


def test_foreign_cluster_is_refused_untouched(cluster: KindCluster, door: Door) -> None:
    door.containers = [FOREIGN]

    with pytest.raises(ForeignClusterError, match="demo-control-plane") as caught:
        cluster.create()

    assert caught.value.exit_code == 4
    assert door.commands() == []


def test_what_a_dead_run_left_is_removed_first(
    cluster: KindCluster, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.containers = [replace(OURS, id="7", state="exited")]

    with caplog.at_level(logging.WARNING):
        cluster.create()

    assert [each[1:] for each in door.commands()[:2]] == [["kill", "7"], ["rm", "--force", "--volumes", "7"]]
    assert [each[1] for each in door.commands()[2:]] == ["volume", "delete", "create"]
    assert "removing what a dead run left of cluster demo" in caplog.text


def test_deletion_takes_containers_folder_and_entries_of_the_kubeconfig(
    new_cluster: Callable[..., KindCluster], door: Door, tmp_path: Path
) -> None:
    cluster = new_cluster(kubeconfig=tmp_path / "config")
    cluster.create()
    door.containers.append(replace(OURS, id="2", name="demo-worker"))

    cluster.delete()

    assert door.containers == []
    assert door.argv[-1] == [
        *["/bundle/kind", "delete", "cluster", "--name=demo", f"--kubeconfig={tmp_path}/config"],
    ]
    assert not cluster.path.exists()


def test_deletion_of_nothing_is_no_error(cluster: KindCluster, door: Door) -> None:
    cluster.delete()
    cluster.delete()

    assert {each[1] for each in door.commands()} == {"delete"}
    assert not cluster.path.exists()


def test_container_that_is_already_dead_is_removed_all_the_same(cluster: KindCluster, door: Door) -> None:
    door.containers, door.fails = [OURS], {"kill"}

    cluster.delete()

    assert door.containers == []
