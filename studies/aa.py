"""How often a page has a false mark, and how often it finds a true gain: from cells of one method under many seeds.

    mtlbench run --config studies/aa.toml --data-dir data
    python studies/aa.py results/aa

Each replicate draws a page: for each seed of the page as many seeds of the pool as there are methods, the same on every
backbone. One of the methods is the baseline. All are the same method, so every mark is false. The page is built as
`mtlbench leaderboard build` builds it. Then one method is given a gain. The power is the share of its comparisons that
get a mark.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, rankdata

from mtlbench.leaderboards import TABLE_METRICS
from mtlbench.leaderboards.boards.board import Board
from mtlbench.leaderboards.boards.contrasts import by_backbone, contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record, RecordStore
from mtlbench.statistics import ALPHA, holm, rows_of_differences

PAGES = ((6, 6), (6, 10), (24, 6), (24, 10))
"""Rivals on each backbone, and seeds."""
GAINS = (0.0005, 0.001, 0.0015, 0.002, 0.003)

Pool = Mapping[int, Sequence[Record]]
"""Seed -> its cell on every backbone."""


@dataclass
class Rates:
    """Pages with a false mark by the rule, and how many pages there were."""

    pages: int = 0
    before: int = 0
    """Wilcoxon with Holm, for each column and backbone by itself."""
    seeds: int = 0
    """Step-down max-T over the page."""
    both: int = 0
    """The same, and the interval over test samples without 0: the rule."""


def pools(folder: Path) -> dict[str, Pool]:
    """Of each dataset the cells by seed; only seeds that have a cell on every backbone."""
    found: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in RecordStore(folder).read_for_tables(TABLE_METRICS):
        if record.status == "done":
            found[record.dataset.label][record.seed].append(record)
    whole = {name: max(map(len, seeds.values())) for name, seeds in found.items()}
    return {
        name: {seed: cells for seed, cells in seeds.items() if len(cells) == whole[name]}
        for name, seeds in found.items()
    }


def page(pool: Pool, rivals: int, seeds: int, rng: np.random.Generator, gain: float = 0.0) -> Board:
    """A board of ``rivals`` and their baseline, the first rival better by ``gain`` in every primary metric."""
    records = []
    for seed in range(seeds):
        drawn = rng.choice(list(pool), rivals + 1, replace=False)
        for method, source in enumerate(drawn.tolist()):
            records += [_renamed(cell, method, seed, gain if method == 1 else 0.0) for cell in pool[source]]
    (board,) = contrasted(boards(records))
    return board


def _renamed(cell: Record, method: int, seed: int, gain: float) -> Record:
    changes = {"seed": seed, "cell": f"{cell.backbone.name} {method} {seed}"}
    if method:
        name = f"R{method}"
        weighting = cell.weighting.model_copy(update={"name": name, "label": name})
        changes |= {"baseline": False, "weighting": weighting, "method": f"{name}-{cell.method}"}
    if gain and cell.metrics:
        test = {task: dict(scores) for task, scores in cell.metrics["test"].items()}
        for task, scores in test.items():
            scores[cell.dataset.primary_of(task)] += gain
        changes["metrics"] = {"test": test}
    return cell.model_copy(update=changes)


def signed_rank(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values of Wilcoxon's signed-rank test, exact, of each row (m, n); zeros are ranked and left out (Pratt)."""
    ranks = np.where(differences == 0, 0, rankdata(np.abs(differences), axis=1))
    signs = np.array(list(product((1, -1), repeat=differences.shape[1])))
    observed = np.abs((np.sign(differences) * ranks).sum(1))
    return (np.abs(signs @ ranks.T) >= observed - 1e-9).mean(0)


def old_marks(board: Board) -> bool:
    """Whether there is any mark by the rule of earlier versions."""
    for rows in by_backbone(board.rows):
        base = next(row for row in rows if row.baseline)
        for column in board.columns:
            found = [row.values[column].seeds for row in rows if row is not base]
            p = signed_rank(rows_of_differences(found, base.values[column].seeds))
            if (holm(p) < ALPHA).any():
                return True
    return False


def false_marks(pool: Pool, rivals: int, seeds: int, replicates: int) -> Rates:
    """Of ``replicates`` pages without any true difference."""
    rates, rng = Rates(), np.random.default_rng(rivals * 100 + seeds)
    for _ in range(replicates):
        board = page(pool, rivals, seeds, rng)
        rates.pages += 1
        rates.before += old_marks(board)
        rates.seeds += any(contrast.adjusted < ALPHA for contrast in board.tested)
        rates.both += any(contrast.mark for contrast in board.tested)
    return rates


def power(pool: Pool, rivals: int, seeds: int, gain: float, replicates: int) -> tuple[float, float]:
    """The share of the comparisons with a true ``gain`` that get a mark: by seeds alone, and by the rule."""
    rng, found = np.random.default_rng(rivals * 100 + seeds), []
    for _ in range(replicates):
        board = page(pool, rivals, seeds, rng, gain)
        for row in board.rows:
            if row.method.startswith("R1-"):
                contrasts = [row.values[column].contrasts[0] for column in board.primaries]
                found += [(one.adjusted < ALPHA, one.verdict == "better") for one in contrasts]
    by_seeds, by_both = np.mean(found, axis=0).tolist()
    return by_seeds, by_both


def report(folder: Path, replicates: int) -> Iterator[str]:
    """Both tables for each dataset, as Markdown."""
    for name, pool in pools(folder).items():
        cells = next(iter(pool.values()))
        yield f"{name}: {len(pool)} seeds on {len(cells)} backbones, {replicates} pages for each line\n"
        yield "| rivals | seeds | before | seeds alone | both errors |\n|---|---|---|---|---|"
        sizes = [(rivals, seeds) for rivals, seeds in PAGES if rivals < len(pool)]
        for rivals, seeds in sizes:
            found = false_marks(pool, rivals, seeds, replicates)
            shares = [_share(count, found.pages) for count in (found.before, found.seeds, found.both)]
            yield f"| {rivals} | {seeds} | {' | '.join(shares)} |"
        yield f"\n| rivals | seeds | {' | '.join(f'+{gain:.4f}' for gain in GAINS)} |\n|{'---|' * (2 + len(GAINS))}"
        for rivals, seeds in sizes:
            shares = [power(pool, rivals, seeds, gain, max(1, replicates // 10)) for gain in GAINS]
            yield f"| {rivals} | {seeds} | {' | '.join(f'{alone:.2f} / {both:.2f}' for alone, both in shares)} |"
        yield ""


def _share(count: int, of: int) -> str:
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return f"{count / of:.3f} ({interval.low:.3f} to {interval.high:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of studies/aa.toml")
    parser.add_argument("--replicates", type=int, default=400, help="pages for each line of the tables")
    options = parser.parse_args()
    for line in report(options.folder, options.replicates):
        print(line, flush=True)
