"""Steps made of given losses or logits, and a setting, for tests of weightings that read those."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from small_splits import small_schema, small_split
from torch import Tensor
from torch.nn import functional as F

from mtlbench import api


def loss_step(losses: list[float] | Tensor, number: int = 0) -> api.Step:
    """A step with ``losses``: (B, K), or one loss per task that two samples have."""
    values = torch.as_tensor(losses, dtype=torch.float32)
    if values.dim() == 1:
        values = values.expand(2, -1)
    return _step(torch.zeros_like(values), torch.zeros_like(values), values, number)


def logit_step(logits: Tensor, labels: Tensor) -> api.Step:
    """A step whose losses (B, K) are the cross-entropy of ``logits`` and ``labels``."""
    return _step(logits, labels, F.binary_cross_entropy_with_logits(logits, labels, reduction="none"), 0)


def _step(logits: Tensor, labels: Tensor, losses: Tensor, number: int) -> api.Step:
    rows = torch.arange(len(losses))
    nothing = torch.zeros(len(losses), 0)
    return api.Step(rows, api.Inputs(nothing.int(), nothing), labels, logits, losses, number)


def some_setting(
    tasks: int,
    learning_rate: float = 1e-3,
    labels: Tensor | None = None,
    after: list[float] | Tensor | None = None,
) -> api.Setting:
    """A funnel of so many tasks; ``after`` are the losses after a step, or else half of those before."""
    schema = small_schema(tuple(f"task{k}" for k in range(tasks)))
    labels = torch.eye(2).repeat(1, tasks)[:, :tasks] if labels is None else labels
    train = replace(small_split(schema, len(labels), seed=1), labels=labels)

    def losses(step: api.Step) -> Tensor:
        return step.losses / 2 if after is None else loss_step(after).losses

    return api.Setting(schema.tasks, learning_rate=learning_rate, train=train, losses=losses)


def weights_over(method: api.Weighting, losses: Sequence[Sequence[float]]) -> Tensor:
    """Weights (T, K) of steps with these losses (T, K), in float64 throughout."""
    method.setup(some_setting(len(losses[0])))
    found = []
    for number, of_step in enumerate(losses):
        step = loss_step(of_step, number)
        step.losses = torch.tensor(of_step, dtype=torch.float64).expand(2, -1)
        found.append(method.weigh(step))
        method.after_step(step)
    return torch.stack(found)
