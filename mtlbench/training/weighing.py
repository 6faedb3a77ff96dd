"""What a weighting makes of a step: weights of its losses, or one direction of its task gradients."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from torch import Tensor

from mtlbench.api import DirectionWeighting, SharedGradients, Step, TrainingError, Weighting


class Gradients(Protocol):
    """The gradients of the tasks in one step."""

    shared: SharedGradients
    """What the weighting sees."""

    def combined(self, weights: Tensor) -> dict[str, Tensor]:
        """Gradients to descend, by the names of the leaves, with the shared ones under ``weights`` (K,)."""

    def directed(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same, with ``direction`` where shared."""


class Weighed(NamedTuple):
    """Task gradients under a weighting."""

    weights: Tensor
    """(K,) applied; of a direction the effective ones."""
    gradients: Mapping[str, Tensor]
    """To descend, by the names of the leaves, without those in ``final``."""
    final: Mapping[str, Tensor] | None = None
    """What the shared leaves move by without an optimiser, times the learning rate (``preconditioned``)."""


def weights_of(weighting: Weighting, step: Step) -> Tensor:
    """The weights that a method of losses gives the step.

    Returns:
        (K,) or (B, K).

    Raises:
        TrainingError: they have another shape.
    """
    weights = weighting.weigh(step)
    batch, tasks = step.losses.shape
    if weights.shape not in {(tasks,), (batch, tasks)}:
        expected = f"({tasks},) per task or ({batch}, {tasks}) per sample and task"
        raise _wrong_shape(weighting, weights, expected)
    return weights


def weighed(weighting: Weighting, step: Step, gradients: Gradients) -> Weighed:
    """What a method of task gradients makes of the ``gradients`` of the step.

    Raises:
        TrainingError: its weights have another shape than (K,).
    """
    step.shared = gradients.shared
    if isinstance(weighting, DirectionWeighting):
        direction = dict(weighting.direct(step))
        weights = weighting.effective_weights(step, direction)
        if weighting.preconditioned:
            return Weighed(weights, gradients.directed({}), direction)
        return Weighed(weights, gradients.directed(direction))
    weights = weighting.weigh(step)
    tasks = step.losses.shape[1]
    if weights.shape != (tasks,):
        raise _wrong_shape(weighting, weights, f"({tasks},) per task")
    return Weighed(weights, gradients.combined(weights))


def _wrong_shape(weighting: Weighting, weights: Tensor, expected: str) -> TrainingError:
    shape = tuple(weights.shape)
    return TrainingError(f"weighting {weighting.name} gave weights of shape {shape}; expected {expected}")
