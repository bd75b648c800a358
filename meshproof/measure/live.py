"""Settings of the mesh deployed in turn: in which order, how often, how long it takes, and the turns."""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from meshproof.judge.nested import MIN_DEPLOYMENTS
from meshproof.measure.profile import ARMS, experiment_s
from meshproof.model.deployment import Deployed, Setting
from meshproof.model.errors import BadInputError
from meshproof.model.load import Profile

__all__ = ["Bench", "LivePlan", "Turn", "order_of", "plan_turns", "take_turns"]

DEPLOY_S: Final = 10.0  # 4 s where only the proxies are replaced, 10 s with a changed setting
SWARM_S: Final = 11.0  # the generator's pods come, 5 s, hand over, and go
SETUP_S: Final = 55.0  # cluster, mesh, workloads before the first turn, 42 s, and their end
WATCHED_S: Final = 40.0  # what watching the CPU adds to a turn

_MOST_EACH: Final = 16  # deployments of one setting
_STEP: Final = 2  # deployments of each setting that a balanced block takes


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One deployment: of which setting, and whether the proxies' CPU is watched in it."""

    setting: str
    watched: bool = False


@dataclass(frozen=True, kw_only=True)
class LivePlan:
    """What is deployed in turn under which load, and how long that takes; fixed before anything is measured.

    ``arms`` are services that are arms of their own, by setting: name of the arm -> name of the service.
    """

    settings: tuple[Setting, ...]
    turns: tuple[Turn, ...]
    profile: Profile
    estimate_s: float
    budget_s: float
    arms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def each(self) -> int:
        """Deployments of each setting."""
        return len(self.turns) // len(self.settings)

    @property
    def watched(self) -> bool:
        """Whether the proxies' CPU is watched in some of the turns."""
        return any(turn.watched for turn in self.turns)

    def arms_of(self, setting: str) -> Mapping[str, str]:
        """The further arms of a setting's experiments."""
        return self.arms.get(setting, {})

    def setting(self, name: str) -> Setting:
        return next(each for each in self.settings if each.name == name)


class Bench(Protocol):
    """What can be done in the cluster."""

    def deploy(self, setting: Setting) -> tuple[list[str], float]:
        """Deploy the mesh so, every proxy fresh; their names, and the seconds until it carried traffic."""
        ...

    def measure(
        self, turn: Turn, number: int, proxies: Sequence[str], deploy_s: float, *, put_aside: str = ""
    ) -> Deployed:
        """One experiment with the mesh as it stands; ``put_aside`` is why the one before it is not taken."""
        ...


def order_of(settings: Sequence[str], *, each: int, seed: int) -> list[str]:
    """Each setting ``each`` times, an even number: blocks of a random order and the same backwards.

    With two settings a block is ABBA or BAAB. A drift that is a straight line moves the mean of every setting
    by as much, and takes no part in their difference.
    """
    rng = random.Random(seed)  # noqa: S311 - a draw that can be repeated, no secret
    order: list[str] = []
    for _ in range(each // _STEP):
        block = rng.sample(list(settings), len(settings))
        order += [*block, *reversed(block)]
    return order


def plan_turns(
    settings: Sequence[Setting],
    profile: Profile,
    *,
    budget_s: float,
    arms: Mapping[str, Mapping[str, str]] | None = None,
    watched: bool = False,
) -> LivePlan:
    """As many deployments of each setting as the budget has room for, an even number.

    With ``watched`` the proxies' CPU is watched in the first deployment of each, where there is room for that
    as well. Raises BadInputError when there is none for the four of each that an interval needs.
    """
    further = dict(arms or {})
    loads = [experiment_s(profile, ARMS + len(further.get(setting.name, {}))) for setting in settings]
    turns_s = sum(DEPLOY_S + SWARM_S + load_s for load_s in loads)
    watching_s = len(settings) * WATCHED_S if watched else 0.0

    least = SETUP_S + MIN_DEPLOYMENTS * turns_s
    if least > budget_s:
        raise BadInputError(
            where="--budget",
            problem=f"got {budget_s / 60:g} minutes, expected at least {math.ceil(least / 6) / 10} for "
            f"{MIN_DEPLOYMENTS} deployments of each of {len(settings)} settings under profile {profile.name}",
            remedy="give it more, or a load profile of fewer rounds",
        )
    if least + watching_s > budget_s:
        watched, watching_s = False, 0.0

    def estimate_s(each: int) -> float:
        return SETUP_S + watching_s + each * turns_s

    fitting = [each for each in range(MIN_DEPLOYMENTS, _MOST_EACH + 1, _STEP) if estimate_s(each) <= budget_s]
    order = order_of([each.name for each in settings], each=fitting[-1], seed=profile.seed)
    first = {name: order.index(name) for name in order}
    turns = [Turn(setting=name, watched=watched and first[name] == n) for n, name in enumerate(order)]
    return LivePlan(
        settings=tuple(settings),
        turns=tuple(turns),
        profile=profile,
        estimate_s=estimate_s(fitting[-1]),
        budget_s=budget_s,
        arms=further,
    )


def take_turns(
    plan: LivePlan,
    bench: Bench,
    *,
    note: Callable[[str], None],
    found: Callable[[list[Deployed]], str],
    clock: Callable[[], float] = time.monotonic,
) -> list[Deployed]:
    """Deploy and measure, turn after turn; ``found`` gets all of it after each, and tells how it stands.

    Where too many rounds are void, which no mesh can make them, the same deployment is measured once more. A
    budget that runs out ends it after a balanced block, with four of each or more: a rule that looks at the
    clock alone, and at no figure.
    """
    began, block = clock(), _STEP * len(plan.settings)
    done: list[Deployed] = []
    for number, turn in enumerate(plan.turns, start=1):
        used_s = clock() - began + SETUP_S
        if _ends(number - 1, plan, block, used_s):
            note(f"the budget of {plan.budget_s / 60:g} minutes is used up: {len(done)} were deployed")
            break
        setting = plan.setting(turn.setting)
        note(f"deployment {number} of {len(plan.turns)}: {setting.title}")
        proxies, deploy_s = bench.deploy(setting)
        measured = bench.measure(turn, number, proxies, deploy_s)
        if (why := measured.left_out) and not measured.errors:
            note(f"deployment {number} of {len(plan.turns)}: {why}: it is measured once more")
            measured = bench.measure(turn, number, proxies, deploy_s, put_aside=why)
        done.append(measured)
        note(f"deployment {number} of {len(plan.turns)}: {found(done)}")
    return done


def _ends(done: int, plan: LivePlan, block: int, used_s: float) -> bool:
    """Whether to end here, where the next block would not fit any more."""
    if done == 0 or done % block or done < MIN_DEPLOYMENTS * len(plan.settings):
        return False
    per_turn = (used_s - SETUP_S) / done
    return used_s + block * per_turn > plan.budget_s
