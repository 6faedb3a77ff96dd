"""The plan: a study with every name and parameter resolved."""

from dataclasses import dataclass
from typing import Literal

from mtlbench.cells import Training
from mtlbench.config.settings import RunSettings
from mtlbench.config.space import Space
from mtlbench.config.specs import Resolved

SEARCH_SEEDS = 1_000_000_000
"""The seed of search 0's trials; search r has the r-th after it. No study with trials may report such a seed."""


@dataclass(frozen=True)
class TunedPlan:
    """How the methods of a study are tuned."""

    trials: int
    searches: int
    space: Space
    defaults: bool = True
    """Whether every method is reported at its defaults too; ``False``: the baselines alone."""
    halving: bool = False
    """Whether all trials have a short training first, and the best of them alone a full one."""


@dataclass(frozen=True)
class Plan:
    """A study with every name and parameter resolved: what the runner executes."""

    datasets: tuple[Resolved, ...]
    grids: tuple[tuple[tuple[Resolved, ...], tuple[Resolved, ...]], ...]
    """Backbones and weightings, of which every pair is run."""
    seeds: tuple[int, ...]
    training: Training
    settings: RunSettings
    controls: bool = False
    budget: Literal["early-stopping", "steps", "seconds"] = "early-stopping"
    tuned: TunedPlan | None = None
    """``None``: no method is tuned."""
    trackers: tuple[Resolved, ...] = ()
    yardstick: Training | None = None
    """Of the cells that the objective is measured against, where it is not that of the study."""
    keep_checkpoints: bool = False
    """Whether the cells of the study keep their trained networks, for whoever looks at them afterwards."""
