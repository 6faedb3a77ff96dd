"""The labels of many tasks for ``synthetic``, and the true mean of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench import api
from mtlbench_plugins.datasets._synthetic_causes import (
    AFFINITY_SPREAD,
    SHARES,
    Sizes,
    Vector,
    score,
    standard,
    with_mean,
)

MIXED = ("binary", "real", "nonnegative")
COMMONEST = 0.4
"""Base rate of the first binary task."""
CHANCE = 0.5
"""Share of the variance of the first number task that no input explains."""
MEAN = 30.0
"""Of a nonnegative label: seconds, say."""
LOG_SPREAD = 0.7
"""Standard deviation of the logarithm of the true mean of a nonnegative label."""
INDEPENDENT = 1e-6
"""Share of a draw of scores that must be new for it to count as another."""


@dataclass(frozen=True)
class ManyTasks:
    """What the labels of several tasks, parallel ones, are drawn from.

    Attributes:
        kinds: of each task.
        rarest: base rate of the last binary task.
        scale: how many times more of the first number task is chance than of the last.
        unobserved: share of the labels of each task but the first that is not observed.
        conflict: see :func:`scores`.
        drift: slope of the fatigue along the session.
    """

    kinds: Sequence[str]
    rarest: float
    scale: float
    unobserved: float
    conflict: float
    drift: float

    @classmethod
    def of(cls, kind: str, tasks: int, **settings: float) -> "ManyTasks":
        """``tasks`` tasks of one ``kind``, or of all in turn if it is ``mixed``."""
        kinds = MIXED if kind == "mixed" else (kind,)
        return cls([kinds[place % len(kinds)] for place in range(tasks)], **settings)

    @property
    def names(self) -> list[str]:
        """Of the tasks: kind and number, from 1."""
        return [f"{kind}_{number}" for number, kind in enumerate(self.kinds, start=1)]

    @property
    def tasks(self) -> list[api.Task]:
        """The tasks."""
        return [api.Task(name, kind) for name, kind in zip(self.names, self.kinds, strict=True)]

    def labels(self, frame: pd.DataFrame, sizes: Sizes, random: np.random.Generator) -> pd.DataFrame:
        """Each task's label, and its true mean under ``mean_`` and the name of the task."""
        numbers = [kind for kind in self.kinds if kind != "binary"]
        rates = iter(np.geomspace(COMMONEST, self.rarest, len(self.kinds) - len(numbers)))
        chances = iter(np.geomspace(CHANCE, CHANCE / self.scale, len(numbers)))
        wanted = scores(len(self.kinds), self.conflict, frame, sizes, random)
        columns = {}
        for place, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True)):
            affinity = AFFINITY_SPREAD * wanted[:, place] - self.drift * frame["position"].to_numpy()
            if kind == "binary":
                label, mean = _binary(affinity, next(rates), random)
            else:
                draw = _real if kind == "real" else _nonnegative
                label, mean = draw(standard(affinity), next(chances), random)
            hidden = random.random(len(frame)) < (self.unobserved if place else 0)
            columns[name], columns[f"mean_{name}"] = np.where(hidden, np.nan, label), mean
        return pd.DataFrame(columns)


def scores(
    tasks: int, conflict: float, frame: pd.DataFrame, sizes: Sizes, random: np.random.Generator
) -> NDArray[np.float64]:
    r"""The scores (N, K) that tasks want high, of mean 0 and variance 1 over the rows.

    Those of tasks i and j correlate by :math:`r = \cos(\pi \, conflict)`, exactly; if r is negative, by \|r\| where
    i - j is even: more than two things cannot all be opposites.

    Raises:
        DataError: there are too few causes for so many scores.
    """
    draws = np.stack([score(frame, sizes, random, SHARES) for _ in range(tasks + 1)], axis=1)
    directions, sizes_of = np.linalg.qr(draws - draws.mean(0))
    if np.abs(np.diag(sizes_of)).min() < INDEPENDENT * np.sqrt(len(frame)):
        raise api.DataError(
            f"{sizes.users} users and {sizes.items} items are too few for {tasks} tasks that differ: give more of them"
        )
    shared, *own = (directions * np.sqrt(len(frame)) * np.sign(np.diag(sizes_of))).T
    correlation = np.cos(np.pi * conflict)
    both = np.sqrt(abs(correlation)) * shared[:, None] + np.sqrt(1 - abs(correlation)) * np.stack(own, axis=1)
    signs = np.where((correlation < 0) & (np.arange(tasks) % 2 == 1), -1.0, 1.0)
    wanted: NDArray[np.float64] = signs * both
    return wanted


def _binary(affinity: Vector, rate: float, random: np.random.Generator) -> tuple[Vector, Vector]:
    probability = with_mean(affinity, rate)
    return (random.random(len(affinity)) < probability).astype(np.float64), probability


def _real(signal: Vector, chance: float, random: np.random.Generator) -> tuple[Vector, Vector]:
    mean = np.sqrt(1 - chance) * signal
    return mean + np.sqrt(chance) * random.normal(size=len(signal)), mean


def _nonnegative(signal: Vector, chance: float, random: np.random.Generator) -> tuple[Vector, Vector]:
    mean = np.exp(LOG_SPREAD * signal)
    mean *= MEAN / mean.mean()
    # A sum of n exponentials, n from Poisson: of this mean, with a relative variance of 2 over the mean of n.
    spread = chance / (1 - chance) * mean.var() / np.square(mean).mean()
    parts = random.poisson(2 / spread, size=len(signal))
    return mean * spread / 2 * random.standard_gamma(parts), mean
