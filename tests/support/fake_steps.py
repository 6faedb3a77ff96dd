"""Steps made of given task gradients, for tests of weightings that read those alone."""

import torch
from torch import Tensor

from mtlbench import api


def gradients(tasks: int, size: int, seed: int) -> Tensor:
    """Random gradients (K, n), float64, of unequal norms."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(tasks, size, generator=generator, dtype=torch.float64)
    return directions * torch.logspace(-0.5, 0.5, tasks, dtype=torch.float64).unsqueeze(1)


def jacobian_of(gradients: Tensor) -> api.Jacobian:
    """Gradients (K, n) of two tensors that together have n numbers."""
    half = gradients.shape[1] // 2
    return {"first": tuple(gradients[:, :half]), "second": tuple(gradients[:, half:])}


def gram_step(
    gradients: Tensor,
    losses: Tensor | None = None,
    number: int = 0,
    samples: tuple[Tensor, Tensor] | None = None,
) -> api.Step:
    """A step whose shared parameters are two tensors that together have the ``gradients`` (K, n) of the tasks.

    ``losses`` (B, K) default to ones for four samples. ``samples`` are the gradients of the first two thirds of the
    batch; they default to the same.
    """
    tasks = len(gradients)
    if losses is None:
        losses = torch.ones(4, tasks)
    weighed = jacobian_of(gradients)
    one, other = (weighed, weighed) if samples is None else map(jacobian_of, samples)
    rows = torch.arange(len(losses))
    return api.Step(
        rows=rows,
        inputs=api.Inputs(torch.zeros(len(losses), 1, dtype=torch.int32), torch.zeros(len(losses), 1)),
        labels=torch.zeros_like(losses),
        logits=torch.zeros_like(losses),
        losses=losses,
        number=number,
        shared=api.SharedGradients(weighed, (one, other)),
    )
