"""Samples every arm with a lighter instrument while nothing else is sent: a pod, its log, a Recording."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final

from meshproof.cluster.kube import KubeApi
from meshproof.engine.waiting import Look, eventually
from meshproof.measure.held import Held, load_programs
from meshproof.measure.placement import ANYWHERE, Placement
from meshproof.measure.pods import SAMPLER, SwarmPlan, config_map, sampler_pod
from meshproof.measure.profile import experiment_s
from meshproof.measure.recording import parse_log, read_start
from meshproof.measure.restarts import restarts_between
from meshproof.measure.runner import check_targets
from meshproof.model.load import Profile, Recording

__all__ = ["sample_alone"]

STARTED_WITHIN_S: Final = 60.0  # a pod of an image that the node has runs after 1 to 3 s
GATHERED_WITHIN_S: Final = 30.0  # after the last round: its last request's timeout, printing
WATCH_S: Final = 2.0  # a look costs the node that is being measured


def sample_alone(
    kube: KubeApi,
    *,
    namespace: str,
    client_image: str,
    sampling: Profile,
    targets: Mapping[str, str],
    labels: Mapping[str, str],
    progress: Callable[[str], None],
    placement: Placement = ANYWHERE,
) -> Recording:
    """Sample every arm of ``targets`` as ``sampling`` says; creates, removes and raises as an experiment."""
    check_targets(targets)
    held = Held(kube, namespace)
    pod = f"{held.name}-{SAMPLER}"
    length_s = experiment_s(sampling, len(targets))
    within = STARTED_WITHIN_S + length_s + sampling.request_timeout_s + GATHERED_WITHIN_S

    def look() -> Look[None]:
        phase = held.phase(pod)
        if phase == "Failed":
            said = held.tail(pod, SAMPLER)
            read_start(said + "\n")  # raises with its own words, where it gave a reason
            held.refuse("the sampler failed", {pod: said})
        return Look(met=phase == "Succeeded", value=None, seen=held.states())

    with ExitStack() as finalizers:
        finalizers.callback(held.remove)
        before = held.neighbours()
        progress(f"{sampling.description}, alone: {length_s:g} s")
        plan = SwarmPlan(
            name=held.name,
            image=client_image,
            labels=labels,
            profile=sampling,
            targets=targets,
            deadline_s=int(within),
            placement=placement,
        )
        held.create(config_map(plan, load_programs()))
        held.create(sampler_pod(plan))
        eventually(look, what=f"{pod}: the sampling ends", within=within, every=WATCH_S)
        log = held.log(pod, SAMPLER)
        started = read_start(log)
        t0_unix = started.t0_unix if started else 0.0
        return parse_log(log, sampling, restarts=restarts_between(before, held.neighbours(), t0_unix=t0_unix))
