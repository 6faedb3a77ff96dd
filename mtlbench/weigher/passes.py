"""From the losses of a step to ``.grad``: one backward pass, or one for each task."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Protocol

import torch
from torch import Tensor

from mtlbench.api import DirectionWeighting, Step, TrainingError, Weighting, ones
from mtlbench.api.masks import weighted_mean
from mtlbench.config.given import items_of
from mtlbench.errors import UsageError
from mtlbench.training.gradients import TaskGradients, by_task, no_shared_parameters
from mtlbench.training.weighing import weighed, weights_of
from mtlbench.weigher.batch import Batch, LoopStep
from mtlbench.weigher.leaves import Leaves
from mtlbench.weigher.processes import Processes


class Scaling:
    """What a gradient is multiplied by.

    Args:
        factor: of the loop: its reduction, and its accumulation of gradients.
        precision: of automatic mixed precision, (); it must not change the weights. ``None``: there is none.
    """

    def __init__(self, factor: float, precision: Tensor | None) -> None:
        self.precision = precision
        self.whole: Tensor | float = factor if precision is None else factor * precision
        self.neutral = precision is None and factor == 1


class Pass(Protocol):
    """Goes backward."""

    def __call__(
        self, columns: Tensor, batch: Batch, step: LoopStep, shared: Iterable[Tensor] | None, scaling: Scaling
    ) -> Tensor | None:
        """Add to ``.grad`` and give the weights; ``None`` where a gradient overflowed."""


class LossPass:
    """One backward pass through the weighted mean loss."""

    def __init__(self, weighting: Weighting, processes: Processes) -> None:
        self._weighting = weighting
        self._processes = processes
        self._leaves = Leaves()

    def __call__(
        self, columns: Tensor, batch: Batch, step: LoopStep, shared: Iterable[Tensor] | None, scaling: Scaling
    ) -> Tensor | None:
        """Add to ``.grad`` and give the weights, (K,) or (B, K); ``None`` where a loss overflowed."""
        overflowed = scaling.precision is not None and not are_finite(step)
        weights = applied = ones(step) if overflowed else weights_of(self._weighting, step).detach()
        if weights.dim() == 2 and columns.dim() == 1:
            raise UsageError(f"{self._weighting.name} weighs each sample: give losses (B, K), not their means")
        alone = self._processes.count == 1
        if not alone:
            own = weights if weights.dim() == 1 else self._processes.own(weights, batch)
            applied = own * self._processes.factors(batch)
        loss = weighted_mean(batch.losses, applied, batch.mask, batch.sample_weights)
        if alone:
            (loss * scaling.whole).backward()
        else:
            leaves = self._leaves.of(columns)
            found = torch.autograd.grad(loss * scaling.whole, list(leaves.values()), allow_unused=True)
            gradients = {name: part for name, part in zip(leaves, found, strict=True) if part is not None}
            _accumulate(leaves, self._processes.mean([gradients], leaves)[0], None)
        return None if overflowed else weights


class GradientPass:
    """One backward pass for each task; the weighting makes one direction of their gradients."""

    def __init__(self, weighting: Weighting, processes: Processes) -> None:
        self._weighting = weighting
        self._processes = processes
        self._leaves = Leaves()

    def __call__(
        self, columns: Tensor, batch: Batch, step: LoopStep, shared: Iterable[Tensor] | None, scaling: Scaling
    ) -> Tensor | None:
        """Add to ``.grad`` and give the weights (K,); ``None`` where a gradient overflowed."""
        first = [] if shared is None else items_of(shared)
        leaves = self._leaves.of(columns, first)
        of_task = self._leaves.reached(self._by_task(columns, batch, leaves, scaling.precision))
        gradients = TaskGradients(of_task, self._shared(of_task, leaves, first), leaves)
        if scaling.precision is not None and _overflowed(gradients):
            _accumulate(leaves, gradients.combined(ones(step)), scaling.whole)
            return None
        found = weighed(self._weighting, step, gradients)
        # A direction may be the weighting's own, which .grad must not share.
        factor = None if scaling.neutral and not isinstance(self._weighting, DirectionWeighting) else scaling.whole
        _accumulate(leaves, {**found.gradients, **(found.final or {})}, factor)
        return found.weights

    def _shared(
        self, of_task: Sequence[Mapping[str, Tensor]], leaves: Mapping[str, Tensor], first: Sequence[Tensor]
    ) -> list[str]:
        """Those of ``first`` that a task reaches; without them, those that two tasks reach."""
        given, least = set(map(id, first)), 1 if first else 2
        names = [name for name, leaf in leaves.items() if not first or id(leaf) in given]
        found = [name for name in names if sum(name in own for own in of_task) >= least]
        if not found and first:
            raise UsageError("no task has a gradient for a parameter in shared=: all are frozen, or of another network")
        if not found:
            reason = no_shared_parameters(self._weighting.label, "the network", len(of_task))
            raise UsageError(f"{reason}; where the head of a task starts at 0, give shared=")
        return found

    def _by_task(
        self, columns: Tensor, batch: Batch, leaves: Mapping[str, Tensor], precision: Tensor | None
    ) -> Sequence[Mapping[str, Tensor]]:
        of_columns = batch.shares.view_as(columns)
        if self._processes.count > 1:
            of_columns = of_columns * self._processes.factors(batch)
        if precision is not None:
            of_columns = of_columns * precision
        try:
            of_task = by_task(columns, of_columns, leaves)
        except RuntimeError as error:
            if "donated buffer" not in str(error):
                raise
            raise UsageError(
                f"{self._weighting.name} goes backward once for each task, which this compiled network forbids: set "
                "torch._functorch.config.donated_buffer = False before the first step"
            ) from error
        if precision is not None:
            of_task = [{name: gradient / precision for name, gradient in own.items()} for own in of_task]
        if any(gradient.is_sparse for own in of_task for gradient in own.values()):
            raise UsageError(f"{self._weighting.name} cannot read sparse gradients: make embeddings with sparse=False")
        return of_task if self._processes.count == 1 else self._processes.mean(of_task, leaves)


def are_finite(step: Step) -> bool:
    """Whether all losses are finite numbers; their sum tells it at the least cost."""
    return isfinite(step.losses.detach().sum().item())


def _overflowed(gradients: TaskGradients) -> bool:
    try:
        _ = gradients.shared.gram
    except TrainingError:
        return True
    return False


@torch.no_grad()
def _accumulate(leaves: Mapping[str, Tensor], gradients: Mapping[str, Tensor], factor: Tensor | float | None) -> None:
    """Add ``factor`` times the gradients to ``.grad``; with ``None`` these tensors themselves."""
    values = list(gradients.values())
    parts = values if factor is None else torch._foreach_mul(values, factor)
    for name, part in zip(gradients, parts, strict=True):
        leaf = leaves[name]
        leaf.grad = part.to(leaf.dtype) if leaf.grad is None else leaf.grad.add_(part)
