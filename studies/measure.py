"""Where logs lie: the rarest label, the ratio of the losses, and how far the gradients of the tasks agree.

    python studies/measure.py docs/studies/phase-logs.csv hotel-bookings anime --preset compact --data-dir data

Each log is measured as in `mtlbench advise`, but under the preset's training: constant weights are trained once on a
shared bottom, and the gradients of up to 32 batches on the way are compared. The file gets a row for each log, and
keeps its other rows.
"""

import argparse
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtlbench.advice.budget import Budget
from mtlbench.advice.choosing import baseline_of
from mtlbench.advice.facts import LogFacts, facts_of
from mtlbench.advice.measuring import Measured
from mtlbench.advice.trying import Lab
from mtlbench.config.parameters import spec_text
from mtlbench.config.specs import resolve_texts
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.run_cell import load_splits

LOG = "log"


def place(facts: LogFacts, found: Measured) -> dict[str, float]:
    """What was measured on one log, by the column of the file.

    ``rarest``: share of the rarer class of the rarest binary task, in training, .5 without one; ``losses``: the largest
    over the smallest loss of a task on validation, after training; ``cosine``: between the gradients of two tasks, mean
    over ``batches`` and pairs, with its standard ``error``; ``least``: of the pair that agrees least.
    """
    losses = [loss for loss in found.losses.values() if loss > 0]
    if found.cosines is None:
        raise SystemExit("no gradients to compare: nothing is shared, or there are too few batches")
    return {
        "tasks": len(facts.tasks),
        "rarest": round(min(task.rare for task in facts.tasks), 4),
        "losses": round(max(losses) / min(losses), 1),
        "cosine": round(found.cosines.mean, 3),
        "error": round(found.cosines.error, 3),
        "least": round(found.cosines.worst.cosine, 3),
        "batches": found.cosines.batches,
    }


def places(datasets: Sequence[str], keys: dict[str, Any], folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Of each log that ``datasets`` name its spec, and what was measured on it; ``folder`` keeps what was trained."""
    catalogue = discover([])
    baseline = baseline_of(entry.cls for entry in catalogue.weightings.values())
    for dataset in resolve_texts(catalogue, "dataset", datasets, keys["preset"]):
        log = spec_text(dataset.entry.name, dataset.changed)
        out = folder / re.sub(r"[^\w.]+", "-", log).strip("-")
        study = {**keys, "datasets": [log], "backbones": ["shared-bottom"], "out": out / "results"}
        settings = Study.load(flags={**study, "weightings": [baseline]}).resolve(catalogue).settings
        splits = load_splits(catalogue, dataset.spec, settings)
        lab = Lab(study, baseline, catalogue, splits, out, Budget(math.inf), quiet=True)
        yield log, place(facts_of(splits), lab.measure())


def kept(file: Path) -> dict[str, dict[str, Any]]:
    """The rows of the file by their log; none where there is no file."""
    return pd.read_csv(file).set_index(LOG).to_dict("index") if file.exists() else {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the CSV file that gets the rows")
    parser.add_argument("datasets", nargs="+", help="specs of datasets, such as synthetic[tasks=4|8]")
    parser.add_argument("--preset", default="quick", help="of the network and its training")
    parser.add_argument("--epochs", type=int, help="at most; the preset's")
    parser.add_argument("--patience", type=int, help="in epochs; the preset's")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("results/measured"), help="what was trained")
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ("preset", "epochs", "patience", "data_dir")}
    rows = kept(options.file)
    for log, row in places(options.datasets, {key: value for key, value in given.items() if value}, options.out):
        print(log, row)
        rows[log] = row
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(LOG).sort_index()
        table.astype({"tasks": int, "batches": int}).to_csv(options.file)
