"""``meshproof conformance``: the sessions in order, and what they come to."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshproof import conformance as module
from meshproof.cli import app
from meshproof.conformance import plan
from meshproof.model.mesh_profile import MeshProfile
from meshproof.model.requirement import Level, Subject
from meshproof.model.run import Run, RunInfo, RunState
from meshproof.model.verdict import Evidence, Verdict, VerdictState
from meshproof.report.records import read_run
from meshproof.report.store import RunStore


def profile(name: str, *, nodes: int = 1, dns: str = "coredns") -> MeshProfile:
    """A profile of this shape."""
    return MeshProfile(name=name, title=name, workloads=[], nodes=nodes, dns=dns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profiles", "keep", "expected"),
    [
        pytest.param([], False, [], id="nothing"),
        pytest.param([profile("a")], False, [("a", False)], id="one"),
        pytest.param([profile("a")], True, [("a", True)], id="one-kept"),
        pytest.param([profile("a"), profile("b")], False, [("a", True), ("b", False)], id="one-cluster"),
        pytest.param(
            [profile("a", nodes=2), profile("b"), profile("c", nodes=2)],
            False,
            [("b", False), ("a", True), ("c", False)],
            id="a-cluster-for-each-shape",
        ),
        pytest.param(
            [profile("a", dns="kube-dns"), profile("b")],
            False,
            [("b", True), ("a", False)],
            id="dns-comes-last",
        ),
    ],
)
def test_plan(
    profiles: list[MeshProfile],
    keep: bool,  # noqa: FBT001  # a table's column
    expected: list[tuple[str, bool]],
) -> None:
    assert [(each.profile.name, each.keep_cluster) for each in plan(profiles, keep_last=keep)] == expected


class Sessions:
    """Stands for the sessions of pytest: each writes a run, and ends with the status it is told to."""

    def __init__(self, statuses: dict[str, int]) -> None:
        self.statuses = statuses
        self.seen: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        self.seen.append(list(arguments))
        options = dict(each.split("=", 1) for each in arguments if each.startswith("--") and "=" in each)
        name = options["--mesh-profile"]
        status = self.statuses.get(name, 0)
        if status == -1:
            raise KeyboardInterrupt
        state = VerdictState.FAILED if status == 1 else VerdictState.PASSED
        evidence = Evidence(test=f"t.py::test_{name}", state=state, profile=name)
        verdict = Verdict(
            requirement=f"TM-DNS-00{len(self.seen)}",
            statement="It MUST.",
            area="dns",
            level=Level.CORE,
            subject=Subject.DNS,
            state=state,
            evidence=[evidence],
            duration_s=1.0,
        )
        with RunStore.create(Path(options["--report-dir"]), run_id=name) as store:
            info = RunInfo(id=name, started="now", state=RunState.FINISHED, exit_code=status)
            store.write(Run(run=info, verdicts=[verdict]))
        return status


@pytest.mark.parametrize(
    ("statuses", "code", "state", "judged"),
    [
        pytest.param({}, 0, RunState.FINISHED, 2, id="all-hold"),
        pytest.param({"acl": 1}, 1, RunState.FINISHED, 2, id="first-fails-the-rest-runs"),
        pytest.param({"tcp": 6}, 6, RunState.FINISHED, 2, id="not-judged"),
        pytest.param({"acl": 4}, 4, RunState.INTERRUPTED, 1, id="refused"),
        pytest.param({"tcp": -1}, 2, RunState.INTERRUPTED, 1, id="interrupted"),
    ],
)
def test_sessions_become_one_report(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    statuses: dict[str, int],
    code: int,
    state: RunState,
    judged: int,
) -> None:
    monkeypatch.setattr(module, "_session", Sessions(statuses))

    result = CliRunner().invoke(app, ["conformance", "acl", "tcp", "--report-dir", str(tmp_path)])

    whole = read_run(tmp_path / "latest" / "report.json")
    assert result.exit_code == code
    assert (whole.run.exit_code, whole.run.state, len(whole.verdicts)) == (code, state, judged)
    assert (tmp_path / "latest" / "report.html").exists() or list((tmp_path / "latest").glob("*.html"))


def test_options_reach_every_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions({})
    monkeypatch.setattr(module, "_session", sessions)

    CliRunner().invoke(app, ["conformance", "acl", "tcp", "--no-overhead", "--report-dir", str(tmp_path)])

    assert all(
        {"--expectations", "-m", "not overhead", "--cluster-name=meshproof"} <= set(each)
        for each in sessions.seen
    )
    assert ["--keep-cluster" in each for each in sessions.seen] == [True, False]


def test_unknown_profile_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["conformance", "alc", "--report-dir", str(tmp_path)])

    assert "did you mean 'acl'" in str(result.exception)
