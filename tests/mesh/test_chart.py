"""A user's chart archive and values: what is wrong with them is said before helm sees them."""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from meshproof.mesh.chart import check_chart, check_values, copied, merged
from meshproof.model.errors import BadInputError

DESCRIPTION = "apiVersion: v2\nname: mesh\nversion: 1.0.0\n"
Member = tuple[tarfile.TarInfo, bytes]


def _file(name: str, text: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    return info, text.encode()


def _special(name: str, kind: bytes, target: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info, b""


CHART = _file("mesh/Chart.yaml", DESCRIPTION)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[Iterable[Member]], Path]:
    def write(members: Iterable[Member]) -> Path:
        path = tmp_path / "mesh-1.0.0.tgz"
        with tarfile.open(path, "w:gz") as out:
            for info, data in members:
                out.addfile(info, io.BytesIO(data))
        return path

    return write


def test_a_packaged_chart_is_accepted(archive: Callable[[Iterable[Member]], Path]) -> None:
    check_chart(
        archive([CHART, _file("mesh/values.yaml", "a: 1"), _special("mesh/templates", tarfile.DIRTYPE)])
    )


@pytest.mark.parametrize(
    ("member", "words"),
    [
        pytest.param(_file("mesh/../../etc/cron.d/x"), "leads out of the chart", id="traversal"),
        pytest.param(_file("/etc/passwd"), "leads out of the chart", id="absolute"),
        pytest.param(_file("mesh\\..\\x"), "leads out of the chart", id="backslash"),
        pytest.param(_file("c:/x"), "leads out of the chart", id="drive"),
        pytest.param(_special("mesh/l", tarfile.SYMTYPE, "/etc"), "link or device", id="symlink"),
        pytest.param(
            _special("mesh/h", tarfile.LNKTYPE, "mesh/Chart.yaml"), "link or device", id="hard-link"
        ),
        pytest.param(_special("mesh/d", tarfile.CHRTYPE), "link or device", id="device"),
        pytest.param(_special("mesh/p", tarfile.FIFOTYPE), "link or device", id="pipe"),
        pytest.param(_file("mesh/Chart.yaml", "name: other"), "twice", id="duplicate"),
        pytest.param(_file("other/Chart.yaml", DESCRIPTION), "one folder", id="two-charts"),
        pytest.param(_file("README"), "one folder", id="loose-file"),
    ],
)
def test_an_evil_member_is_refused(
    archive: Callable[[Iterable[Member]], Path], member: Member, words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        check_chart(archive([CHART, member]))


@pytest.mark.parametrize("members", [[], [_file("mesh/values.yaml")]], ids=["empty", "no-chart-yaml"])
def test_an_archive_without_a_chart_is_refused(
    archive: Callable[[Iterable[Member]], Path], members: list[Member]
) -> None:
    with pytest.raises(BadInputError, match=r"Chart\.yaml"):
        check_chart(archive(members))


def test_too_many_members_are_refused(archive: Callable[[Iterable[Member]], Path]) -> None:
    with pytest.raises(BadInputError, match="more than 5000 members"):
        check_chart(archive([CHART, *(_file(f"mesh/{n}") for n in range(5_000))]))


def test_a_decompression_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tgz"
    with gzip.open(bomb, "wb") as out:
        for _ in range(51):
            out.write(bytes(2**20))

    with pytest.raises(BadInputError, match="when unpacked"):
        check_chart(bomb)


def test_a_huge_archive_is_refused_unread(tmp_path: Path) -> None:
    huge = tmp_path / "huge.tgz"
    with huge.open("wb") as out:
        out.truncate(10 * 2**20 + 1)

    with pytest.raises(BadInputError, match="larger than"):
        check_chart(huge)


def test_a_truncated_archive_is_refused(archive: Callable[[Iterable[Member]], Path]) -> None:
    path = archive([CHART, _file("mesh/x", "y" * 10_000)])
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(BadInputError, match="no sound gzip file"):
        check_chart(path)


@pytest.mark.parametrize("content", [b"<html>", b"\x1f\x8bno"], ids=["html", "half-a-magic-number"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.tgz"
    path.write_bytes(content)

    with pytest.raises(BadInputError, match="gzip"):
        check_chart(path)


def test_a_gzip_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.tgz"
    path.write_bytes(gzip.compress(b"not a tar" * 200))

    with pytest.raises(BadInputError, match="no sound archive"):
        check_chart(path)


def test_a_missing_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file or folder"):
        check_chart(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("description", "words"),
    [
        pytest.param("apiVersion: v2\nname: ../evil\n", "expected a plain word", id="name-with-a-path"),
        pytest.param("apiVersion: v2\nname: [a]\n", "expected a plain word", id="name-is-a-list"),
        pytest.param("apiVersion: v9\nname: a\n", "expected v1 or v2", id="version"),
        pytest.param("apiVersion: v2\nname: a\ntype: library\n", "library", id="library"),
        pytest.param("- a\n", "expected a mapping", id="list"),
        pytest.param("a: !!python/object:os.system {}\n", "no plain YAML", id="python-object"),
        pytest.param(
            "apiVersion: v2\nname: a\ndependencies: [{name: metrics}]\n",
            "dependency metrics",
            id="dependency",
        ),
        pytest.param("apiVersion: v2\nname: a\ndependencies: [x]\n", "dependency 'x'", id="odd-dependency"),
    ],
)
def test_a_bad_description_is_refused(tmp_path: Path, description: str, words: str) -> None:
    (tmp_path / "Chart.yaml").write_text(description)

    with pytest.raises(BadInputError, match=words):
        check_chart(tmp_path)


def test_a_vendored_dependency_is_found_in_folder_and_archive(
    tmp_path: Path, archive: Callable[[Iterable[Member]], Path]
) -> None:
    description = f"{DESCRIPTION}dependencies: [{{name: metrics}}]\n"
    folder = tmp_path / "mesh"
    (folder / "charts" / "metrics").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(description)

    check_chart(folder)
    check_chart(archive([_file("mesh/Chart.yaml", description), _file("mesh/charts/metrics-1.0.tgz")]))


def test_a_folder_without_chart_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"Chart\.yaml: no such file"):
        check_chart(tmp_path)


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(tmp_path: Path) -> None:
    chart = tmp_path / "mesh"
    chart.mkdir()
    (chart / "Chart.yaml").write_text(DESCRIPTION)
    (chart / "again.yaml").symlink_to(chart / "Chart.yaml")
    check_chart(chart)

    (chart / "out.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInputError, match="a link out of the chart"):
        check_chart(chart)


def test_values_are_a_mapping_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("acl: true\n")
    assert check_values(path) == {"acl": True}

    path.write_text(" \n")
    assert check_values(path) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"[1]", "expected a mapping", id="list"),
        pytest.param(b"a: [", "no plain YAML", id="syntax"),
        pytest.param(b"\xff\xfe\x00", "cannot be read", id="binary"),
        pytest.param(b"# " + b"x" * 2**20, "larger than", id="huge"),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "values.yaml"
    path.write_bytes(content)

    with pytest.raises(BadInputError, match=words):
        check_values(path)


def test_a_missing_values_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        check_values(tmp_path / "nowhere.yaml")


def test_merged_lays_mappings_over_each_other_and_replaces_the_rest() -> None:
    below = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}

    assert merged(below, {"a": {"y": [3]}, "b": {"n": 1}, "c": None}) == {
        "a": {"x": 1, "y": [3]},
        "b": {"n": 1},
        "c": None,
    }
    assert below["b"] == 1


def test_folder_is_copied(tmp_path: Path) -> None:
    chart = tmp_path / "mine"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(DESCRIPTION)
    (chart / "templates" / "a.yaml").write_text("a: 1")
    (tmp_path / "to").mkdir()

    found = copied(chart, tmp_path / "to")

    assert found.parent == tmp_path / "to"
    assert (found / "Chart.yaml").read_text() == DESCRIPTION
    assert (found / "templates" / "a.yaml").read_text() == "a: 1"


def test_archive_is_copied_as_its_folder(archive: Callable[[Iterable[Member]], Path], tmp_path: Path) -> None:
    folder = _special("mesh/templates", tarfile.DIRTYPE)

    found = copied(archive([CHART, folder, _file("mesh/templates/a.yaml", "a: 1")]), tmp_path / "to")

    assert found == tmp_path / "to" / "mesh"
    assert (found / "Chart.yaml").read_text() == DESCRIPTION
    assert (found / "templates" / "a.yaml").read_text() == "a: 1"
