"""``meshproof compare`` and ``attribution``: against what is recorded, or deployed in turn in a session."""

from pathlib import Path
from typing import Annotated, Final

import typer

from meshproof.judge.regression import THRESHOLD_MS, Gate
from meshproof.model.errors import BadInputError
from meshproof.report.compare import compare_runs
from meshproof.report.records import LATEST
from meshproof.report.store import DEFAULT_ROOT
from meshproof.sessions import run_suites

__all__ = ["attribution", "compare"]

_NO_VALUES: Final = "default"
_CHECKS: Final = "suites/overhead"

_Reports = Annotated[Path, typer.Option("--reports", help="the folder that holds runs/ and latest")]
_Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", metavar="MINUTES", help="how long it may take: decides how often each is deployed"
    ),
]
_Load = Annotated[str, typer.Option("--load", help="load profile of each deployment")]
_ClusterName = Annotated[str, typer.Option(help="name of the kind cluster")]
_KeepCluster = Annotated[bool, typer.Option("--keep-cluster", help="keep the cluster")]


def compare(  # noqa: PLR0913  # the options of a command
    baseline: Annotated[
        str, typer.Argument(help="a baseline's file or its name in reports/baselines/; or a run, as RUN")
    ],
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="latest, the id of a run, its folder or its report.json")
    ] = LATEST,
    *,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="BASELINE and RUN are values files of the chart (`default`: none): deploy both in turn",
        ),
    ] = False,
    threshold_ms: Annotated[
        float, typer.Option(help="a smaller change of the median is none that matters")
    ] = THRESHOLD_MS,
    allow_other_environment: Annotated[
        bool,
        typer.Option(
            "--allow-other-environment", help="judge although CPU, versions or load profile are others"
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
    budget: _Budget = None,
    load: _Load = "live",
    cluster_name: _ClusterName = "meshproof",
    keep_cluster: _KeepCluster = False,
    reports: _Reports = DEFAULT_ROOT,
) -> None:
    """Compare a run's overhead with a baseline: pass, regressed, improved or inconclusive, and why.

    With `--live` two settings, or two versions, of the mesh are deployed in turn in one cluster, several
    times each, and the interval rests on the deployments: what two installs of the same mesh differ by is in
    it.

    Exit code 0: pass or improved; 1: regressed; 6: inconclusive; 4: bad input; 2: interrupted, what was
    measured is in the report. `docs/guide/overhead.md` tells what each answer means.
    """
    gate = Gate(threshold_ms=threshold_ms, allow_other_environment=allow_other_environment)
    if not live:
        raise typer.Exit(compare_runs(baseline, run, gate=gate, as_json=as_json, reports=reports))
    _refuse_what_is_for_runs(run, as_json=as_json, elsewhere=allow_other_environment)
    settings = [f"--live={each if each == _NO_VALUES else Path(each).absolute()}" for each in (baseline, run)]
    common = _common(load, budget, cluster_name, reports, keep=keep_cluster)
    raise typer.Exit(
        run_suites(f"{_CHECKS}/test_settings.py", *settings, f"--threshold-ms={threshold_ms}", *common)
    )


def attribution(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PART]...",
            help="metrics, tracing, retry, circuit-breaker, rate-limit; default: all of them",
        ),
    ] = None,
    *,
    budget: _Budget = None,
    load: _Load = "live",
    cluster_name: _ClusterName = "meshproof",
    keep_cluster: _KeepCluster = False,
    reports: _Reports = DEFAULT_ROOT,
) -> None:
    """Measure where the time goes: the bare hop, and what metrics, tracing and each middleware add to it.

    Exit code 0: every part has its figure; 6: one could not be judged; 4: bad input; 2: interrupted, what was
    measured is in the report.
    """
    chosen = [f"--attribution={each}" for each in parts or ["all"]]
    common = _common(load, budget, cluster_name, reports, keep=keep_cluster)
    raise typer.Exit(run_suites(f"{_CHECKS}/test_attribution.py", *chosen, *common))


def _refuse_what_is_for_runs(run: str, *, as_json: bool, elsewhere: bool) -> None:
    if run == LATEST:
        raise BadInputError(
            where="meshproof compare --live",
            problem="got one setting, expected two",
            remedy=f"give two values files, or {_NO_VALUES} for none",
        )
    if as_json or elsewhere:
        raise BadInputError(
            where="meshproof compare --live",
            problem="got --json or --allow-other-environment, which are for runs that are recorded",
            remedy="leave it out: the figures are in report.json, and both settings have one environment",
        )


def _common(load: str, budget: float | None, cluster_name: str, reports: Path, *, keep: bool) -> list[str]:
    """What both sessions are told."""
    return [
        f"--overhead-profile={Path(load).absolute() if load.endswith('.toml') else load}",
        *([] if budget is None else [f"--budget={budget:g}"]),
        f"--cluster-name={cluster_name}",
        f"--report-dir={reports.absolute()}",
        *(["--keep-cluster"] if keep else []),
    ]
