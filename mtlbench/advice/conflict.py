"""Whether the tasks of a log conflict: how their gradients lie to each other while constant weights are trained."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, count, islice
from statistics import fmean, stdev

from torch import Tensor

from mtlbench.api import Splits, Step
from mtlbench.cells import Cell
from mtlbench.training.gradients import TaskGradients, reach, shared
from mtlbench.training.model import Model
from mtlbench.training.stage import Batches, Stage

MOST, FEWEST = 32, 8
"""Batches whose gradients are compared."""
WINDOW = (0.1, 0.4)
"""Part of the way to the network that is kept, in which they are.

Earlier the gradients depend on the random start of the towers. At the end their sum is close to 0, so they point
against each other whatever the tasks are: for two tasks the cosine at the optimum is -1. On generated logs the mean
over pairs in this part is above 0 where tasks agree, and below 0 where they are unrelated.
"""


@dataclass(frozen=True)
class Pair:
    """How the gradients of two tasks lie to each other on the parameters that any two tasks share."""

    tasks: tuple[str, str]
    cosine: float
    """Mean over batches."""
    error: float
    """Standard error of that mean."""
    conflicts: float
    """Share of the batches in which it is below 0."""


@dataclass(frozen=True)
class Cosines:
    """The cosines between the gradients of the tasks."""

    pairs: tuple[Pair, ...]
    batches: int
    """That were compared."""
    mean: float
    """Over pairs and batches. One pair of many may be below 0 by chance, and where tasks agree."""
    error: float
    """Standard error of that mean over batches."""

    @property
    def worst(self) -> Pair:
        """The pair that agrees least."""
        return min(self.pairs, key=lambda pair: pair.cosine)


def cosines_on_the_way(model: Model, splits: Splits, cell: Cell, stage: str, best: int) -> Cosines | None:
    """The cosines on the way to the network that was kept.

    The beginning of that way is trained again, on the same batches. In ``WINDOW`` of it up to ``MOST`` batches are
    looked at, evenly over the steps. Where there are fewer than ``FEWEST``, later ones are looked at too.

    Args:
        model: the initial network of ``cell``; trained on.
        splits: its dataset.
        cell: of constant weights.
        stage: name of its only stage.
        best: the epoch of that stage that was kept.

    Returns:
        ``None`` where nothing is shared, or where there are fewer than two batches to compare.
    """
    reached = reach(model.probe(), model.leaves())
    if not shared(reached):
        return None
    batches = Batches(len(splits.train), cell.training.batch_size, cell.seed, splits.train.labels.device)
    whole = best * len(batches.epoch(stage, 1))
    first, end = (round(part * whole) for part in WINDOW)
    end = min(whole, max(end, first + FEWEST))
    looked_at = {first + number * (end - first) // MOST for number in range(MOST)}
    grams, numbers = [], count()

    def update(rows: Tensor) -> None:
        step = model.step(rows)
        if next(numbers) in looked_at:
            found = TaskGradients.of_logits(step.logits, step.task_losses, None, model.leaves(), reached)
            grams.append(found.shared.gram)
            batches.reseed()
            step = model.step(rows)  # looking spent the graph of the first
        _descend(model, step)

    way, left = Stage(stage, stage, update, None, None, model.pace), end
    while left > 0:
        way.begin_epoch()
        with batches.seeded(stage, way.epochs):
            left -= len(list(islice(way.steps(batches), left)))
        way.end_epoch()
    return cosines(grams, splits.schema.task_names)


def cosines(grams: Sequence[Tensor], tasks: Sequence[str]) -> Cosines | None:
    """The cosines in batches with these inner products (K, K) of the tasks' gradients.

    A batch in which the gradient of a task is 0, for want of observed labels, does not count for its pairs.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    for (i, one), (j, other) in combinations(enumerate(tasks), 2):
        lengths = [math.sqrt(float(gram[i, i]) * float(gram[j, j])) for gram in grams]
        values = {n: float(grams[n][i, j]) / length for n, length in enumerate(lengths) if length > 0}
        if len(values) > 1:
            found[one, other] = values
    if not found:
        return None
    pairs = [Pair(both, *_mean(of.values()), fmean(value < 0 for value in of.values())) for both, of in found.items()]
    by_batch = [[of[n] for of in found.values() if n in of] for n in range(len(grams))]
    means = [fmean(values) for values in by_batch if values]
    return Cosines(tuple(pairs), len(means), *_mean(means))


def _mean(values: Iterable[float]) -> tuple[float, float]:
    """The mean and its standard error."""
    known = list(values)
    return fmean(known), stdev(known) / math.sqrt(len(known))


def _descend(model: Model, step: Step) -> None:
    penalty = model.backbone.penalty(step)
    loss = step.task_losses.mean()
    model.descend(loss if penalty is None else loss + penalty)
