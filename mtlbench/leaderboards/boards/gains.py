"""What a weighting gains over constant weights on a board: Delta_m over the tasks, mean over backbones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlbench.leaderboards.boards.board import Board, Row, Significance
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.statistics import Estimate, mean_interval, sampling_interval

DIGITS = 2
"""Digits behind the point of a gain in percent: gains that print alike rank alike."""


@dataclass(frozen=True)
class Gain:
    """What a weighting gains over constant weights on one board: Delta_m in percent, mean over backbones."""

    seeds: tuple[float, ...]
    """Of each seed."""
    estimate: Estimate
    """The mean, and its 95 % interval over seeds."""
    sampling: Estimate | None
    """The mean, and its 95 % interval over test samples; ``None`` where a record does not know it."""
    steps: float
    """Times the optimiser steps of constant weights."""
    seconds: float
    """Times their seconds; NaN where those are 0."""
    cut_off: bool
    """Whether on some backbone its best epoch, or that of constant weights, is mostly the last one allowed."""
    adjusted: float = math.nan
    """p-value by sign flips of seeds over all comparisons of the page."""
    verdict: Significance | None = None
    """``None`` where there is no test."""

    @property
    def printed(self) -> float:
        """The mean as it is printed; equal ones rank equal."""
        return round(self.estimate.value, DIGITS)


def gain_of(pairs: Sequence[tuple[Row, Row]], seeds: Sequence[Sequence[float]], board: Board) -> Gain:
    """The gain of one weighting, without a verdict.

    Args:
        pairs: its row on each backbone, with the baseline's row there.
        seeds: (backbones, seeds) Delta_m of each pair, in percent.
        board: whose rows they are.
    """
    means = np.mean(seeds, axis=0)
    spent = [(row.spend, base.spend) for row, base in pairs if row.spend and base.spend]
    steps, base_steps = (sum(one[side].steps for one in spent) for side in (0, 1))
    seconds, base_seconds = (sum(one[side].seconds for one in spent) for side in (0, 1))
    value = float(means.mean())
    return Gain(
        seeds=tuple(means.tolist()),
        estimate=mean_interval(means),
        sampling=_sampling(pairs, board, value),
        steps=steps / base_steps if base_steps else math.nan,
        seconds=seconds / base_seconds if base_seconds else math.nan,
        cut_off=any("cut off" in row.flags for pair in pairs for row in pair),
    )


def _sampling(pairs: Sequence[tuple[Row, Row]], board: Board, value: float) -> Estimate | None:
    """The interval over test samples: the groups of test rows are the same in all tasks and on all backbones."""
    found = [_influence(row, base, board) for row, base in pairs]
    known = [sums for sums in found if sums is not None]
    if len(known) < len(found) or len({sums.shape for sums in known}) != 1:
        return None
    return sampling_interval(value, np.mean(known, axis=0))


def _influence(row: Row, base: Row, board: Board) -> NDArray[np.float64] | None:
    """How much each group of test rows moves Delta_m, in percent: its derivative by both metrics of each task."""
    parts = []
    for column in board.primaries:
        own, other = row.sampling.get(column[0]), base.sampling.get(column[0])
        if own is None or other is None or own.shape != other.shape:
            return None
        mean, reference = row.values[column].mean, base.values[column].mean
        sign = -1 if metric_of(column).lower_is_better else 1
        parts.append(sign * 100 * (own / reference - mean * other / reference**2))
    return None if len({part.shape for part in parts}) != 1 else np.mean(parts, axis=0)
