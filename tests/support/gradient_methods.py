"""What the tests of gradient weightings share: a method at work on given task gradients, and what it applies."""

from typing import Any

import torch
from fake_steps import gram_step
from torch import Tensor

from mtlbench import api


def started(method: type[api.Weighting], tasks: int | tuple[str, ...], **params: Any) -> api.Weighting:
    """The method before its first step, on that many tasks (called a, b, ...) or on these."""
    names = tasks if isinstance(tasks, tuple) else tuple("abcdefghij"[:tasks])
    weighting = method(method.Params(**params))
    weighting.setup(api.Setting(api.funnel(*names)))
    return weighting


def exact_step(gradients: Tensor, losses: Tensor | None = None, number: int = 0) -> api.Step:
    """A step of these gradients (K, n), in float64 throughout; ``losses`` (B, K) default to ones."""
    losses = torch.ones(4, len(gradients)) if losses is None else losses
    return gram_step(gradients.double(), losses.double(), number)


def applied(weighting: api.Weighting, gradients: Tensor, losses: Tensor | None = None, number: int = 0) -> Tensor:
    """The direction (n,) that the method takes: (1/K) sum_k w_k g_k, or what it makes itself."""
    step = exact_step(gradients, losses, number)
    if isinstance(weighting, api.DirectionWeighting):
        return torch.cat(list(weighting.direct(step).values()))
    return weighting.weigh(step) @ gradients.double() / len(gradients)


def weights(weighting: api.Weighting, gradients: Tensor, losses: Tensor | None = None) -> Tensor:
    """The weights (K,) of the method, float64."""
    return weighting.weigh(exact_step(gradients, losses))


def cross_step(first: Tensor, second: Tensor, last: Tensor | None = None) -> api.Step:
    """A step of which the thirds of the batch have these gradients (K, n); the last those of the first by default."""
    tasks = len(first)
    last = first if last is None else last
    return gram_step(last.double(), torch.ones(6, tasks).double(), samples=(first.double(), second.double()))
