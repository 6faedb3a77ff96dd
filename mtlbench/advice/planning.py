"""What fits into a budget of wall time: how many weightings, trials and seeds, and which budget would tell more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mtlbench.advice.choosing import Choice
from mtlbench.statistics import seeds_needed

MARGIN = 1.3
"""Times that cells take longer than those before: other settings train longer."""
START = 8.0
"""Seconds until worker processes are there, before it was measured."""

Size = tuple[int, int, int]
"""Weightings beside the baseline, trials of each, report seeds."""

SEEDS = seeds_needed()
LADDER: tuple[Size, ...] = (
    (1, 0, SEEDS),
    (2, 0, SEEDS),
    (2, 4, SEEDS),
    (3, 4, SEEDS),
    (3, 8, SEEDS),
    (4, 8, SEEDS),
    (4, 8, 8),
    (4, 12, 8),
    (4, 12, 10),
    (4, 20, 10),
)
"""From the least that can tell anything to what a serious comparison has. Fewer seeds could never tell, so they come
first; then a second weighting, then trials."""


@dataclass(frozen=True)
class Pace:
    """How long cells take."""

    cell: float
    """Seconds of a training under constant weights."""
    start: float = START
    """Seconds until worker processes are there."""
    jobs: int = 1
    """Cells at the same time."""

    def seconds(self, trials: int, reports: int, cost: float = 1.0) -> float:
        """Wall time of the cells of a method that costs ``cost`` trainings under constant weights.

        Worker processes start once for the trials, and once for the cells that report the choice.
        """
        rounds = sum(math.ceil(cells / self.jobs) for cells in (trials, reports))
        starts = (bool(trials) + bool(reports)) * self.start if self.jobs > 1 else 0.0
        return starts + rounds * self.cell * cost * MARGIN

    def on(self, jobs: int) -> "tuple[Pace, ...]":
        """In this process alone, and in ``jobs`` worker processes, which are slower where cells are short."""
        return tuple(Pace(self.cell, self.start, width) for width in sorted({1, jobs}))


@dataclass(frozen=True)
class Plan:
    """What is trained: the baseline and ``rivals``, in this order, each over equally many trials and seeds."""

    rivals: tuple[Choice, ...]
    trials: int
    seeds: int
    pace: Pace
    left_out: tuple[Choice, ...] = ()
    """Chosen weightings that the budget has no room for."""
    done: "Plan | None" = None
    """A smaller plan at defaults whose cells are trained already."""

    @property
    def size(self) -> Size:
        """Its step on the ladder."""
        return len(self.rivals), self.trials, self.seeds

    @property
    def cells(self) -> int:
        """Most cells that are yet to be trained."""
        return sum(self.trials + self.reports(rival) for rival in (None, *self.rivals))

    @property
    def seconds(self) -> float:
        """Estimated wall time."""
        return sum(self.step_seconds(rival) for rival in (None, *self.rivals))

    def step_seconds(self, rival: Choice | None) -> float:
        """Wall time of one rival, or of the baseline."""
        return self.pace.seconds(self.trials, self.reports(rival), rival.cost if rival else 1.0)

    def reports(self, rival: Choice | None) -> int:
        """Report cells of one rival, or of the baseline, which has rows tuned and at its defaults; not those done."""
        wanted = self.seeds * (2 if rival is None and self.trials else 1)
        known = self.done is not None and (rival is None or (not self.trials and rival in self.done.rivals))
        return wanted - self.done.seeds if self.done is not None and known else wanted


def plan(choices: Sequence[Choice], pace: Pace, jobs: int, seconds: float, done: Plan | None = None) -> Plan | None:
    """The most that fits into ``seconds``; ``None`` where nothing does that could tell anything.

    Args:
        choices: the weightings to try, the first ones first.
        pace: of the cells.
        jobs: most cells at the same time.
        seconds: of wall time that are left.
        done: the smallest plan, where its cells are trained already.
    """
    fitting = [one for one in _plans(choices, pace, jobs, done) if one.seconds <= seconds]
    return fitting[-1] if fitting else None


def least(choices: Sequence[Choice], pace: Pace, jobs: int) -> Plan | None:
    """The smallest plan that can tell anything; ``None`` where there is nothing to try."""
    return next(iter(_plans(choices, pace, jobs)), None)


def whole_minutes(seconds: float) -> int:
    """Whole minutes that hold ``seconds``, as one types them."""
    return max(1, math.ceil(seconds / 60))


def _plans(choices: Sequence[Choice], pace: Pace, jobs: int, done: Plan | None = None) -> list[Plan]:
    """The plans of the ladder, each once, on as many processes as are quickest."""
    found: dict[Size, Plan] = {}
    for most, trials, seeds in LADDER:
        rivals = tuple([one for one in choices if trials or not one.own_start][:most])
        out = tuple(one for one in choices if one not in rivals)
        ways = [Plan(rivals, trials, seeds, width, out, done) for width in pace.on(jobs)]
        if rivals:
            best = min(ways, key=lambda one: one.seconds)
            found.setdefault(best.size, best)
    return list(found.values())
