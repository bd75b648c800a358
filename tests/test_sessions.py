"""``meshproof conformance`` and ``mutants``: the sessions in order, and what they come to."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshproof import sessions as module
from meshproof.catalogue import load_catalogue
from meshproof.cli import app
from meshproof.history.store import HISTORY_FILE, read_history
from meshproof.model.mesh_profile import MeshProfile
from meshproof.model.mutant import MutantKind, MutantResult, MutantState
from meshproof.model.requirement import Level, Subject
from meshproof.model.run import Run, RunInfo, RunState
from meshproof.model.verdict import Evidence, Verdict, VerdictState
from meshproof.mutants_command import by_profile, undone
from meshproof.mutate.plan import killers_of
from meshproof.mutate.registry import MUTANTS, PROFILES, QUICK
from meshproof.report.records import read_run
from meshproof.report.store import RunStore
from meshproof.sessions import plan


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


def result(name: str, profile: str, state: MutantState = MutantState.KILLED) -> MutantResult:
    """What came of a mutant."""
    return MutantResult(name=name, kind=MutantKind.DNS, profile=profile, breaks="b", state=state)


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
            mutants = [
                result(each.removeprefix("--mutant="), name)
                for each in arguments
                if each.startswith("--mutant=")
            ]
            store.write(Run(run=info, verdicts=[verdict], mutants=mutants))
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


def test_joined_run_is_in_the_history_and_its_parts_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions({})
    monkeypatch.setattr(module, "_session", sessions)

    CliRunner().invoke(app, ["conformance", "acl", "tcp", "--report-dir", str(tmp_path)])

    (kept,) = read_history(tmp_path / HISTORY_FILE)
    assert kept.mesh_profile == "acl, tcp"
    assert len(kept.verdicts) == 2
    assert all("--no-history" in each for each in sessions.seen)


def test_a_session_collects_the_files_of_its_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions({})
    monkeypatch.setattr(module, "_session", sessions)

    module.run_sessions(tmp_path, plan([profile("plain"), profile("tcp")], keep_last=False), [])

    plain, tcp = ([each for each in seen if not each.startswith("-")] for seen in sessions.seen)
    assert plain == ["suites"]
    assert tcp == ["suites/routing/test_default_mode.py"]


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


def test_mutants_are_judged_where_their_killers_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions({})
    monkeypatch.setattr(module, "_session", sessions)
    names = ["retry-plus-one", "trace-restarted"]

    ended = CliRunner().invoke(app, ["mutants", *names, "--full", "--report-dir", str(tmp_path)])

    asked = [[each for each in one if each.startswith("--mutant")] for one in sessions.seen]
    assert asked == [
        ["--mutants=full", "--mutant=trace-restarted"],
        ["--mutants=full", "--mutant=retry-plus-one"],
        ["--mutants=full", "--mutant=trace-restarted"],
    ]
    assert ended.exit_code == 0
    judged = read_run(tmp_path / "latest" / "report.json").mutants
    assert {(each.profile, each.name) for each in judged} == {
        ("plain", "trace-restarted"),
        ("services", "retry-plus-one"),
        ("observed", "trace-restarted"),
    }


def test_a_campaign_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Sessions({"services": -1}), Sessions({})
    arguments = ["mutants", "retry-plus-one", "trace-restarted", "--report-dir", str(tmp_path)]
    monkeypatch.setattr(module, "_session", first)
    assert CliRunner().invoke(app, arguments).exit_code == 2
    monkeypatch.setattr(module, "_session", second)

    ended = CliRunner().invoke(app, [*arguments, "--resume"])

    assert ended.exit_code == 0
    assert [one[-2] for one in second.seen] == ["--mesh-profile=services", "--mesh-profile=observed"]
    assert len(read_run(tmp_path / "latest" / "report.json").mutants) == 3


def test_nothing_to_resume_is_refused(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["mutants", "--resume", "--report-dir", str(tmp_path)])

    assert "start without --resume" in str(ended.exception)


def test_unknown_mutant_is_refused_with_the_nearest(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["mutants", "trace-restartd", "--report-dir", str(tmp_path)])

    assert "did you mean 'trace-restarted'" in str(ended.exception)


def test_mutants_can_be_listed() -> None:
    ended = CliRunner().invoke(app, ["mutants", "--list"], env={"COLUMNS": "200"})

    assert ended.exit_code == 0
    assert "trace-restarted" in ended.output


def test_quick_campaign_leaves_out_what_checks_take_something_down_for() -> None:
    names = ["backend-stale", "limit-off-on-one-proxy"]

    assert by_profile(names)["two-nodes"] == names
    assert by_profile(names, quick=True)["two-nodes"] == names[1:]
    assert "backend-stale" in by_profile(names, quick=True)["plain"]


def test_quick_campaign_leaves_out_what_checks_install_the_mesh_for() -> None:
    assert "kubedns" in by_profile(["dns-to-plain-service"])
    assert list(by_profile(["dns-to-plain-service"], quick=True)) == ["plain"]


def test_no_quick_mutant_is_lost_but_for_what_takes_something_down() -> None:
    catalogue = load_catalogue()
    judged = {name for names in by_profile(QUICK, quick=True).values() for name in names}

    for name in set(QUICK) - judged:
        assert "resilience" in {catalogue[killer].area for killer in killers_of(name, catalogue)}


def test_what_was_not_judged_is_not_done() -> None:
    wanted = {"plain": ["a", "b"], "acl": ["a"]}

    left = undone(
        wanted, [result("a", "plain"), result("b", "plain", MutantState.NOT_JUDGED), result("a", "acl")]
    )

    assert left == {"plain": ["b"]}


def test_every_mutant_of_a_campaign_has_a_profile() -> None:
    assert set(by_profile(MUTANTS)) == set(PROFILES)
