"""Steps made of given losses or logits, and a stand-in for the trainer, for tests of weightings that read those."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import torch
from small_splits import small_schema
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


@dataclass
class FakeTrainer:
    """What a weighting reads of the trainer before and after a step; ``after`` are the losses after it."""

    tasks: int
    learning_rate: float = 1e-3
    labels: Tensor | None = None
    after: list[float] | Tensor | None = None
    schema: api.Schema = field(init=False)
    data: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.schema = small_schema(tuple(f"task{k}" for k in range(self.tasks)))
        labels = torch.eye(2).repeat(1, self.tasks)[:, : self.tasks] if self.labels is None else self.labels
        self.data = SimpleNamespace(labels=labels, weight=None)

    def losses(self, step: api.Step) -> Tensor:
        """Those given, or half of the step's."""
        return step.losses / 2 if self.after is None else loss_step(self.after).losses
