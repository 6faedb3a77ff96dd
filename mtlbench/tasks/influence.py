"""How much groups of test rows move the primary metric of each task."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlbench.api import Schema, Split
from mtlbench.tasks.fitted import FittedTasks

GROUPS = 256
"""Sessions are gathered in so many groups at most: their error then is known to 4 %, and a record stays small."""

Unit = Literal["session", "user", "row"]


@dataclass(frozen=True)
class InfluenceSums:
    """Sums of :attr:`mtlbench.tasks.metrics.metric.Metric.influence` over groups of test rows."""

    unit: Unit
    """What is drawn as a whole: rows of one session, or of one user, depend on each other."""
    sums: dict[str, NDArray[np.float64]]
    """Task -> (G,), of tasks whose primary metric is defined; groups are the same in every cell of the same data."""


def influence_sums(tasks: FittedTasks, logits: Tensor, split: Split, schema: Schema) -> InfluenceSums:
    """Of ``logits`` (N, K) on ``split``: by session, by user where there are no sessions, else by row.

    More than 256 sessions are dealt to 256 groups, as the method of random groups does (Wolter, "Introduction to
    Variance Estimation", 2007): the variance of a sum stays unbiased, and the group of a session depends on nothing but
    its place among the sessions.
    """
    unit: Unit = "session" if schema.sessions else "user" if schema.users else "row"
    ids = {"session": split.session, "user": split.user}.get(unit, torch.arange(len(split)))
    group = dealt(ids.cpu())
    count = int(group.max()) + 1
    logits, labels = logits.detach().cpu(), split.labels.cpu()
    sums = {}
    weight = None if split.weight is None else split.weight.cpu()
    for k, (task, kind) in enumerate(tasks.kinds.items()):
        scored = tasks.scored(k, logits, labels, weight, group)
        assert scored.session is not None  # the groups of the rows that have a label
        values = torch.bincount(scored.session, kind.primary.influence_of(scored), count)
        if values.isfinite().all():
            sums[task] = values.numpy()
    return InfluenceSums(unit, sums)


def dealt(ids: Tensor) -> Tensor:
    """(N,) the group in [0, 256) of each row, of ``ids`` (N,): its own for each id where there are no more."""
    place = ids.unique(return_inverse=True)[1]
    if int(place.max()) < GROUPS:
        return place
    mixed = place.numpy().astype(np.uint64)  # splitmix64: neighbours in the log land in groups that look random
    with np.errstate(over="ignore"):
        mixed = (mixed + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return torch.from_numpy(((mixed ^ (mixed >> np.uint64(31))) % np.uint64(GROUPS)).astype(np.int64))
