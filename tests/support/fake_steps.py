"""Steps made of given task gradients, for tests of weightings that read those alone."""

import torch
from torch import Tensor

from mtlbench import api


def gradients(tasks: int, size: int, seed: int) -> Tensor:
    """Random gradients (K, n), float64, of unequal norms."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(tasks, size, generator=generator, dtype=torch.float64)
    return directions * torch.logspace(-0.5, 0.5, tasks, dtype=torch.float64).unsqueeze(1)


def gram_step(gradients: Tensor, losses: Tensor | None = None, number: int = 0) -> api.Step:
    """A step whose shared parameters are two tensors that together have the ``gradients`` (K, n) of the tasks.

    ``losses`` (B, K) default to ones for four samples.
    """
    tasks = len(gradients)
    if losses is None:
        losses = torch.ones(4, tasks)
    first, second = gradients[:, : gradients.shape[1] // 2], gradients[:, gradients.shape[1] // 2 :]
    jacobian = {"first": tuple(first), "second": tuple(second)}
    rows = torch.arange(len(losses))
    return api.Step(
        rows=rows,
        inputs=api.Inputs(torch.zeros(len(losses), 1, dtype=torch.int32), torch.zeros(len(losses), 1)),
        labels=torch.zeros_like(losses),
        logits=torch.zeros_like(losses),
        losses=losses,
        number=number,
        shared=api.SharedGradients(jacobian),
    )
