"""Charts that are wrong in one place: edited, installed from, put back."""

import ast
from pathlib import Path
from typing import Any

import pytest

from meshproof.mesh.adapter import DEFAULT_CHART
from meshproof.mesh.chart import copied
from meshproof.model.errors import HarnessError
from meshproof.model.mutant import MutantKind
from meshproof.mutate import installs, kube_dns, spoiler
from meshproof.mutate.edits import NothingChangedError
from meshproof.mutate.mutant import Ground, Mutant, Origin
from meshproof.mutate.recharted import Edit, Recharted, altered, cut, dropped, swapped

RECHARTED = [*installs.MUTANTS, *kube_dns.MUTANTS]
NAMED = {each.name: each for each in RECHARTED}
SPOILING = {*spoiler.STUB_DOMAINS, *spoiler.COREFILES, *spoiler.REMOVALS}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy of the project's own."""
    return copied(DEFAULT_CHART, tmp_path)


def files(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}


class Mesh:
    """Tells what was done to it, and the values of the chart that it was installed from."""

    def __init__(self, chart: Path, *, refuses: bool = False) -> None:
        self.chart = chart
        self.refuses = refuses
        self.done: list[str] = []

    def install(self) -> float:
        edited = files(self.chart) != files(DEFAULT_CHART)
        self.done.append(f"install, edited: {edited}")
        if self.refuses:
            raise HarnessError(where="mesh", problem="it does not install", remedy="look")
        return 1.0

    def uninstall(self) -> float:
        self.done.append("uninstall")
        return 1.0


def ground(mesh: Mesh, *, origin: bool = True) -> Ground:
    known = Origin(chart=mesh.chart, corefile="", dns="coredns") if origin else None
    parts: dict[str, Any] = {"kube": None, "mesh": mesh, "shim": None, "faults": None, "probe": None}
    return Ground(namespace="mp-run", origin=known, **parts)


@pytest.mark.parametrize("mutant", RECHARTED, ids=lambda mutant: mutant.name)
def test_every_mutant_edits_the_projects_chart_and_puts_it_back(chart: Path, mutant: Mutant) -> None:
    before, mesh = files(chart), Mesh(chart)

    with mutant.change.applied(ground(mesh)):
        during = files(chart)

    assert during != before
    assert files(chart) == before
    assert mesh.done[-1] == "install, edited: True"
    assert mutant.change.kind is MutantKind.INSTALL


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_chart_is_put_back_after_an_error(chart: Path, error: type[BaseException]) -> None:
    before = files(chart)

    with pytest.raises(error), NAMED["role-left"].change.applied(ground(Mesh(chart))):
        raise error

    assert files(chart) == before


def test_chart_that_does_not_install_is_put_back(chart: Path) -> None:
    before, mesh = files(chart), Mesh(chart, refuses=True)

    with pytest.raises(HarnessError), NAMED["role-left"].change.applied(ground(mesh)):
        pytest.fail("the block ran")

    assert files(chart) == before


def test_chart_that_cannot_be_upgraded_to_is_installed_anew(chart: Path) -> None:
    mesh = Mesh(chart)

    with NAMED["install-works-once"].change.applied(ground(mesh)):
        pass

    assert mesh.done == ["uninstall", "install, edited: True"]


def test_users_own_chart_is_never_edited(chart: Path) -> None:
    mesh = Mesh(chart)

    with (
        pytest.raises(HarnessError, match="lifecycle"),
        NAMED["role-left"].change.applied(ground(mesh, origin=False)),
    ):
        pytest.fail("the block ran")

    assert mesh.done == []


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(swapped("values.yaml", "no such text", "other"), id="text that is not there"),
        pytest.param(swapped("values.yaml", "pullPolicy", "other"), id="text that is there often"),
        pytest.param(swapped("values.yaml", "kubedns: false", "kubedns: false"), id="the same text"),
        pytest.param(swapped("no-such-file", "a", "b"), id="no such file to edit"),
        pytest.param(cut("values.yaml", "tracing:", "acl:"), id="an end before its beginning"),
        pytest.param(cut("no-such-file", "a", "b"), id="no such file to cut"),
        pytest.param(dropped("no-such-file"), id="no such file to drop"),
    ],
)
def test_edit_that_changes_nothing_is_told(chart: Path, edit: Edit) -> None:
    before = files(chart)

    with pytest.raises(NothingChangedError), altered(chart, [dropped("Chart.yaml"), edit]):
        pytest.fail("the block ran")

    assert files(chart) == before


def test_cut_takes_what_stands_between(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one\ntwo\nthree\n")

    cut("f", "two", "three")(tmp_path)

    assert (tmp_path / "f").read_text() == "one\nthree\n"


def steps_of(chart: Path, mutant: Mutant) -> list[str]:
    """The mutants whose spoiling an edited chart has as a step, with the program beside it."""
    assert isinstance(mutant.change, Recharted)
    with altered(chart, mutant.change.edits):
        found = files(chart)
    steps = [line for text in found.values() for line in text.splitlines() if "command: [python3" in line]
    assert not steps or found["spoiler.py"] == Path(spoiler.__file__).read_text()
    return [each.rpartition(", ")[2].removesuffix("]") for each in steps]


def test_each_spoiling_is_a_step_of_the_mutant_of_its_name(chart: Path) -> None:
    steps = {mutant.name: steps_of(chart, mutant) for mutant in RECHARTED}

    assert {name: [name] for name in SPOILING} == {name: found for name, found in steps.items() if found}


def test_spoiler_imports_nothing_that_the_client_image_lacks() -> None:
    tree = ast.parse(Path(spoiler.__file__).read_text())
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert names <= {
        *("collections", "json", "os", "pathlib", "re", "ssl"),
        *("sys", "time", "typing", "urllib"),
    }
