"""Passes through a backbone: to train on a batch, to look at it again, to infer a split."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Split, Step
from mtlbench.training.gradients import PROBE_ROWS
from mtlbench.training.graphs import GraphedPass
from mtlbench.training.modes import buffers_kept, evaluating
from mtlbench.training.optimiser import BackboneOptimiser

INFERENCE_ROWS = 16384
"""The more rows at once, the more often they read the same embeddings, of which a first layer is computed once."""

StepPass = Callable[[Tensor, int], Step]
"""From the rows of a batch, and the number of steps before, to their losses in the autograd graph."""


class Passes:
    """Forward passes of one backbone.

    Args:
        backbone: on the device of ``data``.
        optimiser: knows which rows of its tables are up to date.
        data: the training split.
        batch_size: rows of a whole batch.
        precision: ``float32`` or ``bfloat16``, of the passes; logits and losses are float32.
    """

    def __init__(
        self, backbone: Backbone, optimiser: BackboneOptimiser, data: Split, batch_size: int, precision: str
    ) -> None:
        self._backbone = backbone
        self._optimiser = optimiser
        self._data = data
        self._precision = getattr(torch, precision)
        self._graphed: StepPass | None = None
        if data.labels.device.type == "cuda" and backbone.replayable:
            graphed = GraphedPass(backbone, self.logits, batch_size)
            self._graphed = lambda rows, number: self._step(rows, number, graphed)

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """The backbone's losses of each sample and task on ``rows`` of the training split."""
        return self._step(rows, number, self.logits)

    @property
    def single(self) -> StepPass:
        """:meth:`step` for one backward pass alone, whose gradients are used before the next step: faster on a GPU."""
        return self._graphed or self.step

    def _step(self, rows: Tensor, number: int, forward: Callable[[Tensor, Tensor], Tensor]) -> Step:
        data = self._data
        categorical, numerical, labels = data.categorical[rows], data.numerical[rows], data.labels[rows]
        self._optimiser.prepare(categorical)
        logits = forward(categorical, numerical)
        losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return Step(rows, categorical, numerical, labels, logits, losses, number)

    @torch.no_grad()
    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, in training mode; buffers stay as they are."""
        self._optimiser.prepare(step.categorical)
        with buffers_kept(self._backbone):  # batch normalisation has seen these rows
            logits = self.logits(step.categorical, step.numerical)
        return F.binary_cross_entropy_with_logits(logits, step.labels, reduction="none")

    def infer(self, split: Split) -> Tensor:
        """Logits (N, K) of the backbone on ``split``, in evaluation mode, in large batches, without gradient."""
        self._optimiser.settle()
        with evaluating(self._backbone), torch.inference_mode():
            parts = [
                self.logits(categorical, numerical)
                for categorical, numerical in zip(
                    split.categorical.split(INFERENCE_ROWS), split.numerical.split(INFERENCE_ROWS), strict=True
                )
            ]
        return torch.cat(parts)

    def probe(self) -> Tensor:
        """Logits of a few rows in evaluation mode, in the autograd graph."""
        categorical, numerical = self._data.categorical[:PROBE_ROWS], self._data.numerical[:PROBE_ROWS]
        self._optimiser.prepare(categorical)
        with evaluating(self._backbone):
            return self.logits(categorical, numerical)

    def logits(self, categorical: Tensor, numerical: Tensor) -> Tensor:
        """(B, K) float32, computed in the given precision."""
        reduced = self._precision != torch.float32
        with torch.autocast(categorical.device.type, self._precision, enabled=reduced):
            logits: Tensor = self._backbone(categorical, numerical)
        return logits.float()
