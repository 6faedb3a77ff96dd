"""What the tests of gradient weightings share: a method at work on given task gradients, and what it applies."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from fake_steps import gram_step
from small_splits import small_schema
from torch import Tensor

from mtlbench import api


@dataclass
class TaskTrainer:
    """What a weighting of gradients reads of the trainer before the first step."""

    tasks: tuple[str, ...]
    schema: api.Schema = field(init=False)
    data: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.schema = small_schema(self.tasks)
        self.data = SimpleNamespace(labels=torch.zeros(4, len(self.tasks)))


def started(method: type[api.Weighting], tasks: int | tuple[str, ...], **params: Any) -> api.Weighting:
    """The method before its first step, on that many tasks (called a, b, ...) or on these."""
    names = tasks if isinstance(tasks, tuple) else tuple("abcdefghij"[:tasks])
    weighting = method(method.Params(**params))
    weighting.setup(TaskTrainer(names))  # type: ignore[arg-type]
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
