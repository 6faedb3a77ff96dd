"""Weightings compared over all backbones and datasets of one protocol: mean ranks, and how far they tell apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from mtlbench.leaderboards.board import HIGHER_IS_BETTER, METRICS, Board, Row
from mtlbench.leaderboards.contrasts import baselines_of, by_backbone
from mtlbench.leaderboards.naming import backbone_name, canonical, told_apart, weighting_name
from mtlbench.leaderboards.table import MISSING, Cell, Head, Line, Table
from mtlbench.statistics import (
    ALPHA,
    CompleteCases,
    Friedman,
    complete_cases,
    critical_difference,
    friedman,
    friedman_tests,
    probability_of_improvement,
    ranks,
)

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Across backbones and datasets"
MAIN = "auc"
"""The metric that early stopping chooses by, and so the one that the probability of improvement is measured in."""


@dataclass(frozen=True)
class _Block:
    """A dataset and a backbone, with its complete rows by the key of their weighting."""

    name: str
    tasks: tuple[str, ...]
    rows: dict[str, Row]
    baseline: str | None
    """Key of the first baseline."""


@dataclass(frozen=True)
class MeanRanks:
    """Weightings by their mean rank in the main metric over blocks without a gap, the best first."""

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    blocks: int
    critical_difference: float
    p: float
    """Of Friedman's test."""

    @property
    def cliques(self) -> tuple[tuple[int, int], ...]:
        """First and last place of each largest run of weightings that cannot be told apart."""
        runs: list[tuple[int, int]] = []
        for first in range(len(self.ranks)):
            last = max(i for i, rank in enumerate(self.ranks) if rank - self.ranks[first] < self.critical_difference)
            if last > first and not (runs and runs[-1][1] >= last):
                runs.append((first, last))
        return tuple(runs)


def mean_ranks(group: Sequence[Board], baselines: Sequence[str] = ()) -> MeanRanks | None:
    """The mean ranks of boards that share preset, training and protocol; ``None`` where there is nothing to rank."""
    blocks = [block for board in group for block in _blocks(board, baselines)]
    scores = complete_cases(_scores(blocks, MAIN)).scores
    if min(scores.shape) < 2:
        return None
    names = _names(blocks)
    placed = ranks(scores, False)
    means = {names[str(key)]: float(mean) for key, mean in zip(scores.columns, placed.mean(0), strict=True)}
    ordered = sorted(means, key=lambda name: (means[name], name))
    return MeanRanks(
        tuple(ordered),
        tuple(means[name] for name in ordered),
        len(scores),
        critical_difference(len(ordered), len(scores), ALPHA),
        friedman(placed).p,
    )


def across_table(group: Sequence[Board], baselines: Sequence[str] = (), which: str = "") -> Table | None:
    """Mean ranks of the weightings over the blocks of boards that share preset, training and protocol.

    ``None`` where there are not two blocks and two weightings without a gap.

    Args:
        group: the boards.
        baselines: the weightings that stars compare with, where they were named.
        which: what tells these boards from those of other settings, for the title.
    """
    blocks = [block for board in group for block in _blocks(board, baselines)]
    complete = complete_cases(_scores(blocks, MAIN))
    keys = [str(key) for key in complete.scores.columns]
    kept = [block for block in blocks if block.name in complete.scores.index]
    if len(kept) < 2 or len(keys) < 2:
        return None
    names = _names(blocks)
    scores = {metric: _scores(kept, metric)[keys] for metric in METRICS}
    placed = {
        metric: ranks(found, metric not in HIGHER_IS_BETTER)
        for metric, found in scores.items()
        if not found.isna().to_numpy().any()
    }
    means = {metric: found.mean(0) for metric, found in placed.items()}
    baseline = _shared_baseline(kept, keys)
    lines = []
    for i, key in enumerate(keys):
        cells = [Cell(f"{mean[i]:.2f}", bold=bool(mean[i] == mean.min())) for mean in means.values()]
        beats = [_improvement(kept, key, baseline)] if baseline else []
        lines.append(Line((Cell(names[key]),), (*cells, *beats)))
    heads = [Head("Rank", METRICS[metric]) for metric in placed]
    heads += [Head("Beats", names[baseline])] if baseline else []
    title = f"{TITLE}, {which}" if which else TITLE
    tests = dict(zip(placed, friedman_tests([*placed.values()]), strict=True))
    caption = (_ranks_caption(kept, tests, len(keys)), *_beats_caption(baseline), *_gaps_caption(complete, names))
    return Table(title, caption, ("Weighting",), tuple(heads), tuple(lines))


def _blocks(board: Board, baselines: Sequence[str]) -> list[_Block]:
    found, backbones = [], []
    for rows in by_backbone(board.rows):
        complete = {_key(row): row for row in rows if row.state == "complete"}
        sample = rows[0].sample
        if sample is not None and complete:
            base = next(iter(baselines_of(complete.values(), baselines)), None)
            name = f"{board.title}: {backbone_name(sample)}"
            backbones.append(sample.backbone)
            found.append(_Block(name, sample.dataset.tasks, complete, None if base is None else _key(base)))
    names = told_apart(
        [block.name for block in found],
        [{"backbone": use.name, **use.params} for use in backbones],
    )
    return [replace(block, name=name) for block, name in zip(found, names, strict=True)]


def _key(row: Row) -> str:
    return canonical([row.sample.weighting.name, row.sample.weighting.params]) if row.sample else ""


def _names(blocks: Sequence[_Block]) -> dict[str, str]:
    """Displayed name of each weighting by its key."""
    samples = {key: row.sample for block in blocks for key, row in block.rows.items() if row.sample}
    names = told_apart(
        [weighting_name(sample) for sample in samples.values()],
        [{"weighting": sample.weighting.name, **sample.weighting.params} for sample in samples.values()],
    )
    return dict(zip(samples, names, strict=True))


def _scores(blocks: Sequence[_Block], metric: str) -> "pd.DataFrame":
    """A row per block, a column per weighting: the mean over tasks and seeds, to the digits that tables print."""
    import pandas as pd  # half a second, which not every table needs

    keys = list(dict.fromkeys(key for block in blocks for key in block.rows))
    found = [[_score(block, key, metric) for key in keys] for block in blocks]
    return pd.DataFrame(found, index=[block.name for block in blocks], columns=keys, dtype=float)


def _score(block: _Block, key: str, metric: str) -> float:
    row = block.rows.get(key)
    values = [row.values.get((task, metric)) if row else None for task in block.tasks]
    means = [value.mean for value in values if value]
    return round(fmean(means), 4) if len(means) == len(values) else math.nan


def _shared_baseline(blocks: Sequence[_Block], keys: Sequence[str]) -> str | None:
    """The baseline, where it is the same in all blocks and one of the weightings without a gap."""
    found = {block.baseline for block in blocks}
    return found.pop() if len(found) == 1 and found <= {*keys} else None


def _improvement(blocks: Sequence[_Block], key: str, baseline: str) -> Cell:
    if key == baseline:
        return Cell(MISSING, quiet=True)
    own, others = ([_per_seed(block, side) for block in blocks] for side in (key, baseline))
    found = probability_of_improvement(own, others)
    return Cell(f"{found.value:.2f}", f" ({found.low:.2f} to {found.high:.2f})")


def _per_seed(block: _Block, key: str) -> list[float]:
    """The main metric of each seed, mean over tasks."""
    return [fmean(values) for values in zip(*(block.rows[key].values[t, MAIN].seeds for t in block.tasks), strict=True)]


def _ranks_caption(blocks: Sequence[_Block], tests: Mapping[str, Friedman], methods: int) -> str:
    p_values = ", ".join(f"{METRICS[metric]} p = {test.p:.2g}" for metric, test in tests.items())
    return (
        f"Rank: the mean over {len(blocks)} blocks (a dataset and a backbone); 1 is the best. A block "
        f"ranks the means over tasks and seeds. Friedman's test by permutation: {p_values}. Nemenyi's "
        f"critical difference at .05: {critical_difference(methods, len(blocks), ALPHA):.2f}; mean ranks closer than "
        "that cannot be told apart. Blocks of one dataset share its data, so these p-values are optimistic."
    )


def _beats_caption(baseline: str | None) -> list[str]:
    if baseline is None:
        return []
    return [
        "Beats: the probability that a run has a higher AUC (mean over tasks) than a run of the baseline, with its "
        "95 % bootstrap interval over seeds; with fewer than 10 seeds the interval is too narrow."
    ]


def _gaps_caption(complete: CompleteCases, names: Mapping[str, str]) -> list[str]:
    methods = [names[str(key)] for key in complete.methods_left_out]
    left_out = [*methods, *map(str, complete.blocks_left_out)]
    if not left_out:
        return []
    return [f"Only what has no gap is ranked. Left out: {'; '.join(left_out)}."]
