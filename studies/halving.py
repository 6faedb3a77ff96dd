"""Would halving have chosen the same settings? Searches of whole trials, searched again by halving from their curves.

    python studies/halving.py FOLDER [--draws N]

FOLDER is a results folder, or a folder of records with ``searches/``. Its searches have had all trials to the end. Each
draw takes as many trials from a search, with replacement, and asks whether halving would have chosen the trial that the
whole search chooses, and how many epochs it would have trained. A short training is taken as the first epochs of the
whole one, which it is where the learning rate does not decay.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from mtlbench.records import Record, RecordStore
from mtlbench.records.searches import read_searches
from mtlbench.records.trials import most_kept, short_epochs
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.objective import DELTA_M, MEAN, Objective

Curve = Sequence[float]
"""The objective of each epoch."""


@dataclass(frozen=True)
class Drawn:
    """What one draw of trials gave."""

    same: bool
    """Whether halving chose the trial that the whole search chose."""
    epochs: float
    """Trained by halving, over those of the whole search."""
    lost: float
    """Validation score of the whole search's choice, less that of halving's."""


def drawn(curves: Sequence[Curve], short: int) -> Drawn:
    """Both searches over trials of these curves; of equal scores the first trial wins.

    Args:
        curves: of whole trainings, to the epoch at which they ended.
        short: epochs of a short training.
    """
    best, early = [max(curve) for curve in curves], [max(curve[:short]) for curve in curves]
    whole = int(np.argmax(best))
    going_on = np.argsort([-score for score in early], kind="stable")[: most_kept(len(curves))]
    chosen = min(going_on, key=lambda n: (-best[n], n))
    spent = sum(len(curve[:short]) for curve in curves) + sum(len(curves[n]) for n in going_on)
    return Drawn(bool(chosen == whole), spent / sum(map(len, curves)), best[whole] - best[chosen])


def curve_of(record: Record) -> Curve:
    """The objective of each epoch of a training of one stage; empty for one of several, which has no epochs to cut
    short, for one that was not validated after each epoch, and under ``delta-m``, which needs another cell."""
    text, epochs = str(record.training.get("objective", MEAN)), [point.epoch for point in record.curve]
    whole = record.status == "done" and len(record.spend) == 1 and epochs == list(range(1, len(epochs) + 1))
    if not whole or text == DELTA_M:
        return []
    objective = Objective(text, {task: METRICS[record.dataset.primary_of(task)] for task in record.dataset.tasks})
    return [objective.of(point.validation) for point in record.curve]


def replayed(store: RecordStore, draws: int) -> dict[str, list[Drawn]]:
    """Of each method whose trainings have one stage: what the draws gave."""
    records, rng = {record.cell: record for record in store.read_all()}, np.random.default_rng(0)
    found: dict[str, list[Drawn]] = defaultdict(list)
    for search in read_searches(store.folder):
        curves = [curve_of(records[trial.cell]) for trial in search.trials if trial.cell in records]
        decays = search.training.get("schedule", "constant") != "constant"
        if len(curves) < search.planned or not all(curves) or search.halving or decays:
            continue
        short = short_epochs(int(str(search.training["epochs"])))
        for chosen in rng.integers(0, len(curves), (draws, len(curves))):
            found[search.method].append(drawn([curves[n] for n in chosen], short))
    return found


def summary(draws: Sequence[Drawn]) -> tuple[float, float, float]:
    """Share of equal choices, share of the epochs that halving trains, and validation score lost: means over draws."""
    same, epochs, lost = np.array([(one.same, one.epochs, one.lost) for one in draws], dtype=float).mean(0)
    return float(same), float(epochs), float(lost)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    folder = options.folder
    store = RecordStore(folder) if (folder / "records").is_dir() else RecordStore.at(folder)
    found = replayed(store, options.draws)
    if not found:
        raise SystemExit(
            f"{folder} has no search whose trials are all recorded, each with a training of one stage that was "
            "validated after each epoch"
        )
    rows = [(method, *summary(draws)) for method, draws in found.items()]
    rows.append(("all", *summary([one for draws in found.values() for one in draws])))
    heads = ("method", "same choice", "epochs trained", "score lost")
    print(tabulate(rows, heads, tablefmt="github", floatfmt=("", ".3f", ".2f", ".5f")))


if __name__ == "__main__":
    main()
