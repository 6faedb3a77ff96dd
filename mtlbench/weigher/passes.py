"""From the losses of a step to ``.grad``: one backward pass, or one for each task."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from mtlbench.api import Step, TrainingError, Weighting, ones
from mtlbench.api.masks import weighted_mean
from mtlbench.config.given import items_of
from mtlbench.errors import UsageError
from mtlbench.training.begins import begins
from mtlbench.training.gradients import no_shared_parameters, one_by_one
from mtlbench.training.weighing import weighed, weights_of
from mtlbench.weigher.batch import Batch, LoopStep
from mtlbench.weigher.joined import JoinedGradients, Scaling
from mtlbench.weigher.leaves import Found, Leaves
from mtlbench.weigher.processes import Processes


class Pass(ABC):
    """Goes backward."""

    def __init__(self, weighting: Weighting, processes: Processes) -> None:
        self._weighting = weighting
        self._processes = processes
        self._leaves = Leaves()

    @abstractmethod
    def __call__(
        self, columns: Tensor, batch: Batch, step: LoopStep, shared: Iterable[Tensor] | None, scaling: Scaling
    ) -> Tensor | None:
        """Add to ``.grad`` and give the weights; ``None`` where a gradient overflowed."""


class LossPass(Pass):
    """One backward pass through the weighted mean loss."""

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
            leaves = self._leaves.of([columns.grad_fn]).every
            found = torch.autograd.grad(loss * scaling.whole, list(leaves.values()), allow_unused=True)
            gradients = {name: part for name, part in zip(leaves, found, strict=True) if part is not None}
            _accumulate(leaves, self._processes.mean([gradients], leaves)[0])
        return None if overflowed else weights


class GradientPass(Pass):
    """One backward pass for each task; the weighting makes one direction of their gradients."""

    def __call__(
        self, columns: Tensor, batch: Batch, step: LoopStep, shared: Iterable[Tensor] | None, scaling: Scaling
    ) -> Tensor | None:
        """Add to ``.grad`` and give the weights (K,); ``None`` where a gradient overflowed."""
        begun = begins(columns, self._of_columns(columns, batch, scaling.precision))
        found = self._leaves.of([edge.node for edge, _ in begun], None if shared is None else items_of(shared))
        of_task = self._leaves.reached(self._of_task(begun, found))
        gradients = JoinedGradients(of_task, self._shared(of_task, found), found.every, scaling)
        if scaling.precision is not None and _overflowed(gradients):
            _accumulate(found.every, gradients.combined(ones(step)))
            return None
        made = weighed(self._weighting, step, gradients)
        _accumulate(found.every, made.gradients)
        if made.final is not None:
            _accumulate(found.every, gradients.scaled(made.final))
        return made.weights

    def _shared(self, of_task: Sequence[Mapping[str, Tensor]], found: Found) -> list[str]:
        """Those given that a task reaches; without them, those that two tasks reach."""
        names, least = (found.every, 2) if found.given is None else (found.given, 1)
        shared = [name for name in names if sum(name in own for own in of_task) >= least]
        if not shared and found.given is not None:
            raise UsageError("no task has a gradient for a parameter in shared=: all are frozen, or of another network")
        if not shared:
            reason = no_shared_parameters(self._weighting.label, "the network", len(of_task))
            raise UsageError(f"{reason}; where the head of a task starts at 0, give shared=")
        return shared

    def _of_columns(self, columns: Tensor, batch: Batch, precision: Tensor | None) -> Tensor:
        """The gradient of each task's mean loss with respect to its own column, times the ``precision``."""
        of_columns = batch.shares.view_as(columns)
        if self._processes.count > 1:
            of_columns = of_columns * self._processes.factors(batch)
        return of_columns if precision is None else of_columns * precision

    def _of_task(self, begun: Sequence[tuple[GradientEdge, Tensor]], found: Found) -> Sequence[Mapping[str, Tensor]]:
        try:
            of_task = one_by_one(begun, found.of_task)
        except RuntimeError as error:
            if "donated buffer" not in str(error):
                raise
            raise UsageError(
                f"{self._weighting.name} goes backward once for each task, which this compiled network forbids: set "
                "torch._functorch.config.donated_buffer = False before the first step"
            ) from error
        if any(gradient.is_sparse for own in of_task for gradient in own.values()):
            raise UsageError(f"{self._weighting.name} cannot read sparse gradients: make embeddings with sparse=False")
        return of_task if self._processes.count == 1 else self._processes.mean(of_task, found.every)


def are_finite(step: Step) -> bool:
    """Whether all losses are finite numbers; their sum tells it at the least cost."""
    return isfinite(step.losses.detach().sum().item())


def _overflowed(gradients: JoinedGradients) -> bool:
    try:
        _ = gradients.shared.gram
    except TrainingError:
        return True
    return False


@torch.no_grad()
def _accumulate(leaves: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
    """Add the gradients to ``.grad``; they become it where there is none.

    A direction may have more parameters, by running means of earlier steps: those that this step has not stay.
    """
    for name, part in gradients.items():
        if name not in leaves:
            continue
        leaf = leaves[name]
        before = leaf.grad
        if before is None:
            leaf.grad = part if part.dtype == leaf.dtype else part.to(leaf.dtype)
        else:
            before.add_(part)
