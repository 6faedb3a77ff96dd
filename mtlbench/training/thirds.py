"""Gradients of the thirds of a batch, by themselves and together.

The whole batch goes forward once. Each third goes backward by itself, from the gradient of the losses that is 0 in the
rows of the other two. So batch normalisation alone makes one third depend on the others.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mtlbench.api.step import THIRDS

OfTasks = Sequence[Mapping[str, Tensor]]
"""Of each task its gradients, by the name of the leaf."""


def apart(of_columns: Tensor) -> list[Tensor]:
    """``of_columns`` (B, K) once for each third, 0 in the rows of the others."""
    parts = []
    for rows in torch.arange(len(of_columns), device=of_columns.device).tensor_split(THIRDS):
        part = torch.zeros_like(of_columns)
        part[rows] = of_columns[rows]
        parts.append(part)
    return parts


def together(parts: Sequence[OfTasks]) -> list[dict[str, Tensor]]:
    """The gradients of the batch: the sums of what its thirds add to them."""
    return [
        {name: torch.stack([own[name] for own in of_task]).sum(0) for name in of_task[0]}
        for of_task in zip(*parts, strict=True)
    ]


def means(parts: Sequence[OfTasks], counts: Tensor) -> list[OfTasks]:
    """The gradients of the mean losses of each third.

    Args:
        parts: what each third adds to the gradients of the batch.
        counts: (B, K) how much each loss counts.

    Returns:
        Zeros for a task without an observed label in the third.
    """
    of_thirds = torch.stack([third.sum(0) for third in counts.tensor_split(THIRDS)])
    factors = torch.where(of_thirds > 0, counts.sum(0) / of_thirds, 0.0)
    return [
        [{name: gradient * factor for name, gradient in own.items()} for own, factor in zip(part, of_each, strict=True)]
        for part, of_each in zip(parts, factors, strict=True)
    ]
