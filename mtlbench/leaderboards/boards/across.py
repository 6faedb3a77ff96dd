"""Weightings compared over all backbones and datasets of one protocol: mean ranks, and how far they tell apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from mtlbench.leaderboards.boards.board import Board, Row
from mtlbench.leaderboards.boards.columns import TABULATED, Column, in_words, metric_of
from mtlbench.leaderboards.boards.contrasts import baselines_of, by_backbone
from mtlbench.leaderboards.boards.naming import backbone_name, key_of, told_apart, weighting_name
from mtlbench.statistics import (
    ALPHA,
    Estimate,
    Friedman,
    complete_cases,
    critical_difference,
    friedman_tests,
    probability_of_improvement,
    ranks,
)
from mtlbench.tasks.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd


PRIMARY = "primary"
"""Stands for the metric that ranks methods, which may be another one in each task."""


@dataclass(frozen=True)
class _Block:
    """A board and a backbone, with its complete rows by the key of their weighting."""

    name: str
    board: str
    """Title of its board."""
    log: str
    """Equal for boards of one dataset."""
    columns: dict[str, tuple[Column, ...]]
    """Of each metric a column per task; those that a task lacks are left out, and those in the label's unit."""
    rows: dict[str, Row]
    baseline: str | None
    """Key of the first baseline."""

    def score(self, key: str, metric: str) -> float:
        """The mean over tasks and seeds, to the digits that tables print, more is better; NaN where there is none."""
        row, columns = self.rows.get(key), self.columns.get(metric, ())
        if row is None or not columns or any(column not in row.values for column in columns):
            return math.nan
        return round(fmean(metric_of(column).gain(row.values[column].mean) for column in columns), 4)

    def per_seed(self, key: str) -> list[float]:
        """The primary metric of each seed, mean over tasks, more is better."""
        row = self.rows[key]
        gains = [map(metric_of(column).gain, row.values[column].seeds) for column in self.columns[PRIMARY]]
        return [fmean(values) for values in zip(*gains, strict=True)]


@dataclass(frozen=True)
class MeanRanks:
    """Weightings by their mean rank in the primary metric over blocks without a gap, the best first."""

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    over: str
    """What the ranks are means over, in words."""
    critical_difference: float | None
    """``None`` for one dataset, whose backbones are no independent blocks."""
    p: float | None
    """Of Friedman's test; ``None`` likewise."""
    primary: str
    """What the primary metric is called."""

    @property
    def cliques(self) -> tuple[tuple[int, int], ...]:
        """First and last place of each largest run of weightings that cannot be told apart."""
        runs: list[tuple[int, int]] = []
        if self.critical_difference is None:
            return ()
        for first in range(len(self.ranks)):
            last = max(i for i, rank in enumerate(self.ranks) if rank - self.ranks[first] < self.critical_difference)
            if last > first and not (runs and runs[-1][1] >= last):
                runs.append((first, last))
        return tuple(runs)


@dataclass(frozen=True)
class Across:
    """Weightings over the blocks of boards that share preset, training and protocol; none has a gap."""

    names: tuple[str, ...]
    """Of the weightings."""
    ranks: dict[str, tuple[float, ...]]
    """Metric -> mean rank of each weighting, of metrics without a gap; first :data:`PRIMARY`."""
    primary: str
    """What the primary metric is called."""
    higher: bool
    """Whether a higher value of it is better in every task."""
    tests: dict[str, Friedman]
    """Metric -> Friedman's test over datasets; empty for one dataset."""
    datasets: int
    left_out: tuple[str, ...]
    """Weightings and blocks that have gaps."""
    _kept: tuple[_Block, ...]
    _keys: tuple[str, ...]

    def label(self, metric: str) -> str:
        """What a metric of :attr:`ranks` is called."""
        return self.primary if metric == PRIMARY else METRICS[metric].label

    @property
    def over(self) -> str:
        """What the ranks are means over, in words."""
        if self.datasets > 1:
            return f"{self.datasets} datasets"
        several = len({block.board for block in self._kept}) > 1
        return f"{len(self._kept)} {'pairs of a board and a backbone' if several else 'backbones'} of one dataset"

    @property
    def critical_difference(self) -> float | None:
        """Nemenyi's: mean ranks closer than that cannot be told apart; ``None`` for one dataset."""
        return critical_difference(len(self.names), self.datasets, ALPHA) if self.datasets > 1 else None

    @property
    def baseline(self) -> int | None:
        """Place of the baseline, where it is the same in all blocks and one of the weightings."""
        found = {block.baseline for block in self._kept}
        key = found.pop() if len(found) == 1 else None
        return self._keys.index(key) if key in self._keys else None

    def improvement(self, weighting: int, baseline: int) -> Estimate:
        """The probability that a run of one weighting has a better primary metric than a run of another, by place."""
        own, others = ([block.per_seed(self._keys[side]) for block in self._kept] for side in (weighting, baseline))
        return probability_of_improvement(own, others)


def across(group: Sequence[Board], baselines: Sequence[str] = ()) -> Across | None:
    """The weightings over the datasets and backbones of boards that share preset, training and protocol.

    The blocks of Friedman's test are datasets, a generated one under another seed among them: each ranks the mean over
    its boards and backbones. Backbones are no blocks of their own, for weightings rank nearly alike on all of them, nor
    are boards of one log that differ in its tasks. Of a single dataset the ranks are means over its backbones, and
    there is no test.

    ``None`` where there are not two pairs of a board and a backbone, and two weightings without a gap.

    Args:
        group: the boards.
        baselines: the weightings that marks compare with, where they were named.
    """
    blocks = [block for board in group for block in _blocks(board, baselines)]
    complete = complete_cases(_scores(blocks, PRIMARY))
    keys = tuple(map(str, complete.scores.columns))
    kept = tuple(block for block in blocks if block.name in complete.scores.index)
    if len(kept) < 2 or len(keys) < 2:
        return None
    called = dict.fromkeys(metric_of(column) for block in kept for column in block.columns[PRIMARY])
    others = [key for key in TABULATED if key not in {metric.key for metric in called}]
    datasets = [block.log for block in kept]
    scores = {metric: _scores(kept, metric)[list(keys)] for metric in (PRIMARY, *others)}
    several = len(set(datasets)) > 1
    if several:
        scores = {metric: found.groupby(datasets, sort=False).mean() for metric, found in scores.items()}
    placed = {metric: ranks(found) for metric, found in scores.items() if not found.isna().to_numpy().any()}
    names = _names(blocks)
    return Across(
        names=tuple(names[key] for key in keys),
        ranks={metric: tuple(found.mean(0).tolist()) for metric, found in placed.items()},
        primary=in_words([metric.label for metric in called]),
        higher=all(metric.direction == "higher" for metric in called),
        tests=dict(zip(placed, friedman_tests([*placed.values()]), strict=True)) if several else {},
        datasets=len(set(datasets)),
        left_out=(*(names[str(key)] for key in complete.methods_left_out), *map(str, complete.blocks_left_out)),
        _kept=kept,
        _keys=keys,
    )


def mean_ranks(group: Sequence[Board]) -> MeanRanks | None:
    """The mean ranks of boards that share preset, training and protocol; ``None`` where there is nothing to rank."""
    found = across(group)
    if found is None:
        return None
    ordered = sorted(zip(found.ranks[PRIMARY], found.names, strict=True))
    return MeanRanks(
        tuple(name for _, name in ordered),
        tuple(rank for rank, _ in ordered),
        found.over,
        found.critical_difference,
        found.tests[PRIMARY].p if found.tests else None,
        found.primary,
    )


def _blocks(board: Board, baselines: Sequence[str]) -> list[_Block]:
    found, backbones = [], []
    for rows in by_backbone(board.rows):
        complete = {_key(row): row for row in rows if row.state == "complete"}
        sample = rows[0].sample
        if sample is not None and complete:
            base = next(iter(baselines_of(complete.values(), baselines)), None)
            name = f"{board.title}: {backbone_name(sample)}"
            backbones.append(sample.backbone)
            first = None if base is None else _key(base)
            found.append(_Block(name, board.title, board.log, _columns(board), complete, first))
    names = told_apart(
        [block.name for block in found],
        [{"backbone": use.name, **use.params} for use in backbones],
    )
    return [replace(block, name=name) for block, name in zip(found, names, strict=True)]


def _columns(board: Board) -> dict[str, tuple[Column, ...]]:
    tasks = board.sample.dataset.tasks
    found = {key: tuple((task, key) for task in tasks) for key in TABULATED if not METRICS[key].in_unit}
    shared = {key: columns for key, columns in found.items() if set(columns) <= set(board.columns)}
    return {PRIMARY: board.primaries, **shared}


def _key(row: Row) -> str:
    return key_of(row.sample.weighting) if row.sample else ""


def _names(blocks: Sequence[_Block]) -> dict[str, str]:
    """Displayed name of each weighting by its key."""
    samples = {key: row.sample for block in blocks for key, row in block.rows.items() if row.sample}
    names = told_apart(
        [weighting_name(sample) for sample in samples.values()],
        [{"weighting": sample.weighting.name, **sample.weighting.params} for sample in samples.values()],
    )
    return dict(zip(samples, names, strict=True))


def _scores(blocks: Sequence[_Block], metric: str) -> "pd.DataFrame":
    """A row per block, a column per weighting."""
    import pandas as pd  # half a second, which not every table needs

    keys = list(dict.fromkeys(key for block in blocks for key in block.rows))
    found = [[block.score(key, metric) for key in keys] for block in blocks]
    return pd.DataFrame(found, index=[block.name for block in blocks], columns=keys, dtype=float)
