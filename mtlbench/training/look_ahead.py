"""What a step would do to the losses of a second batch: for weightings that learn which tasks help which."""

import torch
from torch import Tensor

from mtlbench.api import Step, TrainingError
from mtlbench.training.budget import Meter
from mtlbench.training.model import Model
from mtlbench.training.stage import Batches

DISTANCE = 0.01
"""How far the parameters are moved each way for a difference of losses, as in the code of Auto-Lambda's authors."""


class LookAhead:
    """What :meth:`mtlbench.api.Setting.look_ahead` gives in the harness.

    Args:
        model: is looked at, and left as it is.
        batches: gives the second batch, and the dropout masks of the step.
        meter: counts its rows.
    """

    def __init__(self, model: Model, batches: Batches, meter: Meter) -> None:
        self._model = model
        self._batches = batches
        self._meter = meter

    def __call__(self, step: Step, weights: Tensor, targets: Tensor) -> Tensor:
        """By how much, to first order, each task lowers the losses of the ``targets`` on a second batch, (K,)."""
        rate, now = self._model.learning_rate, self._trained()
        second = self._batches.second()
        self._meter.read(len(second))
        loss = (weights.to(step.losses) * step.task_losses).mean()
        taken = torch.autograd.grad(loss, list(now.values()), retain_graph=True, materialize_grads=True)
        ahead = {
            name: (value.detach() - rate * gradient).requires_grad_()
            for (name, value), gradient in zip(now.items(), taken, strict=True)
        }
        lowered = targets.double() @ self._losses(ahead, second)
        found = torch.autograd.grad(lowered, list(ahead.values()), materialize_grads=True)
        length = torch.stack([part.double().norm() for part in found]).norm().item()
        if length == 0:
            return torch.zeros_like(targets, dtype=torch.float64)
        shift = DISTANCE / length
        with torch.no_grad():
            after, before = (
                self._losses({name: now[name] + way * part for name, part in zip(now, found, strict=True)}, step.rows)
                for way in (shift, -shift)
            )
        fall = rate * (after - before) / (2 * shift)
        if not fall.isfinite().all():
            raise TrainingError(
                f"training diverged: looking ahead, the losses of the tasks change by {fall.tolist()}; "
                "lower --learning-rate or check the weights of the method"
            )
        return fall

    def _losses(self, parameters: dict[str, Tensor], rows: Tensor) -> Tensor:
        self._batches.reseed()
        return self._model.task_losses_at(parameters, rows)

    def _trained(self) -> dict[str, Tensor]:
        """Name -> parameter, of those that are not frozen.

        Raises:
            TrainingError: a table is updated row by row, so that a batch does not reach the rows of another.
        """
        parameters = self._model.backbone.named_parameters()
        trained: dict[str, Tensor] = {name: value for name, value in parameters if value.requires_grad}
        leaves = self._model.leaves()
        if any(leaves[name] is not value for name, value in trained.items()):
            raise TrainingError(
                "the weighting looks ahead at a second batch, for which embedding tables must be dense; declare "
                '`needs = frozenset({"look-ahead", "parameters"})` in its class'
            )
        return trained
