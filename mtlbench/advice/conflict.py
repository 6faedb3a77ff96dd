"""Whether the tasks of a log conflict: how their gradients lie to each other while constant weights are trained."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, count
from statistics import fmean, stdev

from torch import Tensor

from mtlbench.api import Splits, Step
from mtlbench.cells import Cell
from mtlbench.training.gradients import TaskGradients, reach
from mtlbench.training.model import Model
from mtlbench.training.stage import Batches

BATCHES = 32
"""Whose gradients are compared, at most."""
WINDOW = (0.1, 0.4)
"""Part of the way to the network that is kept, in which they are.

At the beginning the gradients show how the towers were drawn. At the end their sum is close to 0, so they point against
each other whatever the tasks are: for two tasks the cosine at the optimum is -1. On generated logs this part told tasks
that agree from unrelated ones.
"""


@dataclass(frozen=True)
class Pair:
    """How the gradients of two tasks lie to each other on the parameters that they share."""

    tasks: tuple[str, str]
    cosine: float
    """Mean over batches."""
    error: float
    """Standard error of that mean."""
    conflicts: float
    """Share of the batches in which it is below 0."""


def pairs_on_the_way(model: Model, splits: Splits, cell: Cell, stage: str, best: int) -> list[Pair]:
    """The pairs of tasks on the way to the network that was kept; none where nothing is shared.

    The beginning of that way is trained again, on the same batches. In ``WINDOW`` of it up to 32 batches are looked at,
    evenly over the steps.

    Args:
        model: the initial network of ``cell``; trained on.
        splits: its dataset.
        cell: of constant weights.
        stage: name of its only stage.
        best: the epoch of that stage that was kept.
    """
    reached = reach(model.probe(), model.leaves())
    batches = Batches(len(splits.train), cell.training.batch_size, cell.seed, splits.train.labels.device)
    whole = best * len(batches.epoch(stage, 1))
    first, end = (round(part * whole) for part in WINDOW)
    width = max(1, end - first)
    looked_at = {first + number * width // BATCHES for number in range(BATCHES)}
    grams = []
    for number, rows in _first(first + width, batches, stage, model):
        step = model.step(rows)
        if number in looked_at:
            found = TaskGradients.of_logits(step.logits, step.task_losses, None, model.leaves(), reached).shared
            if not found.jacobian:
                return []
            grams.append(found.gram)
            batches.reseed()
            step = model.step(rows)  # looking spent the graph of the first
        _descend(model, step)
    return cosines(grams, splits.schema.task_names)


def cosines(grams: list[Tensor], tasks: tuple[str, ...]) -> list[Pair]:
    """The pairs of ``tasks`` in batches with these inner products (K, K) of their gradients.

    A batch in which the gradient of a task is 0, for want of observed labels, does not count for it.
    """
    pairs = []
    for i, j in combinations(range(len(tasks)), 2):
        lengths = [math.sqrt(float(gram[i, i]) * float(gram[j, j])) for gram in grams]
        found = [float(gram[i, j]) / length for gram, length in zip(grams, lengths, strict=True) if length > 0]
        if len(found) > 1:
            error = stdev(found) / math.sqrt(len(found))
            pairs.append(Pair((tasks[i], tasks[j]), fmean(found), error, fmean(value < 0 for value in found)))
    return pairs


def _first(steps: int, batches: Batches, stage: str, model: Model) -> Iterator[tuple[int, Tensor]]:
    """Number and rows of the first ``steps`` batches of a stage, each when its masks are seeded."""
    taken = 0
    for epoch in count(1):
        of_epoch = batches.epoch(stage, epoch)
        with batches.seeded(stage, epoch):
            for rows in of_epoch:
                if taken == steps:
                    return
                batches.seed_step(stage, epoch, taken % len(of_epoch) + 1)
                model.pace(taken, len(of_epoch))
                yield taken, rows
                taken += 1


def _descend(model: Model, step: Step) -> None:
    penalty = model.backbone.penalty(step)
    loss = step.task_losses.mean()
    model.descend(loss if penalty is None else loss + penalty)
