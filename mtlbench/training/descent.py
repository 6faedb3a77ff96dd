"""How a training step descends: down the weighted loss, or down weighted gradients of the tasks."""

from collections.abc import Callable

from torch import Tensor

from mtlbench.api import Backbone, DirectionWeighting, Step, TrainingError, Weighting
from mtlbench.training.gradients import TaskGradients, no_shared_parameters, reach, shared
from mtlbench.training.optimiser import BackboneOptimiser

TASK_GRADIENTS = frozenset({"gram", "jacobian"})
"""Needs that cost one backward pass per task."""

Descend = Callable[[Step], Tensor]
"""Takes one optimiser step and gives the weights that it applied, (K,) or (B, K)."""


def descent(
    weighting: Weighting, backbone: Backbone, optimiser: BackboneOptimiser, probe: Callable[[], Tensor]
) -> Descend:
    """What ``weighting`` needs of a step.

    Args:
        weighting: the method.
        backbone: for its penalty.
        optimiser: takes the step.
        probe: logits of a few rows, in the autograd graph, by which the shared parameters are found.

    Raises:
        TrainingError: the method needs shared parameters, and there are none.
    """
    if weighting.needs & TASK_GRADIENTS:
        return _GradientDescent(weighting, backbone, optimiser, probe())
    return _LossDescent(weighting, backbone, optimiser)


class _LossDescent:
    """One backward pass through the weighted mean loss."""

    def __init__(self, weighting: Weighting, backbone: Backbone, optimiser: BackboneOptimiser) -> None:
        self._weighting = weighting
        self._backbone = backbone
        self._optimiser = optimiser

    def __call__(self, step: Step) -> Tensor:
        weights = self._weighting.weigh(step)
        batch, tasks = step.losses.shape
        if weights.shape not in {(tasks,), (batch, tasks)}:
            expected = f"({tasks},) per task or ({batch}, {tasks}) per sample and task"
            raise _wrong_shape(self._weighting, weights, expected)
        loss = (weights * step.losses).mean()
        penalty = self._backbone.penalty(step.logits)
        self._optimiser.descend(loss if penalty is None else loss + penalty)
        return weights


class _GradientDescent:
    """One backward pass per task; the method makes one direction of them."""

    def __init__(self, weighting: Weighting, backbone: Backbone, optimiser: BackboneOptimiser, logits: Tensor) -> None:
        self._weighting = weighting
        self._backbone = backbone
        self._optimiser = optimiser
        self._reached = reach(logits, optimiser.leaves())
        if not shared(self._reached):
            raise TrainingError(no_shared_parameters(weighting.label, backbone.label))

    def __call__(self, step: Step) -> Tensor:
        weighting, penalty = self._weighting, self._backbone.penalty(step.logits)
        gradients = TaskGradients(step.logits, step.losses, penalty, self._optimiser.leaves(), self._reached)
        step.shared = gradients.shared
        if isinstance(weighting, DirectionWeighting):
            direction = dict(weighting.direct(step))
            weights = weighting.effective_weights(step, direction)
            if weighting.preconditioned:
                self._optimiser.apply(gradients.directed({}), final=direction)
            else:
                self._optimiser.apply(gradients.directed(direction))
        else:
            weights = weighting.weigh(step)
            tasks = step.losses.shape[1]
            if weights.shape != (tasks,):
                raise _wrong_shape(weighting, weights, f"({tasks},) per task")
            self._optimiser.apply(gradients.combined(weights))
        return weights


def _wrong_shape(weighting: Weighting, weights: Tensor, expected: str) -> TrainingError:
    shape = tuple(weights.shape)
    return TrainingError(f"weighting {weighting.name} gave weights of shape {shape}; expected {expected}")
