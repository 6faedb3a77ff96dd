"""Training on task gradients at the shared representation: many passes above it, one below."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from mtlbench.api import (
    Backbone,
    Inputs,
    Params,
    Representation,
    RepresentationGradients,
    Schema,
    Step,
    TrainingError,
    Weighting,
)
from mtlbench.training.gradients import Reach, TaskGradients, reach, small_copy
from mtlbench.training.model import Model
from mtlbench.training.passes import StackedPasses
from mtlbench.training.weighing import weighed

NONE_NAMED = "names none (api.Backbone.represent)"


class RepresentationBackward:
    """The tasks go backward to the shared representation, and one pass goes on from there.

    The weighting sees the gradients R_k of the representation in place of those of shared parameters. All that lies
    below gets (1/K) sum_k w_k R_k, or the direction that the weighting gives; what lies above the plain average.

    Args:
        weighting: set up already.
        model: what is trained.

    Raises:
        TrainingError: the backbone names no representation, or none that separates the tasks from what they share.
    """

    def __init__(self, weighting: Weighting, model: Model) -> None:
        self._weighting = weighting
        self._model = model
        self._passes = StackedPasses()
        with model.backbone.represented() as cut:
            logits = model.probe()
        below, self._reached = _sides(cut, logits, model.leaves())
        reason = _fault(cut, below, self._reached)
        if reason is not None:
            raise TrainingError(no_representation(weighting.label, model.backbone.label, reason))
        self._cut = cut

    def forward(self, rows: Tensor, number: int) -> Step:
        """A step on ``rows``, its graph cut at the representation."""
        with self._model.backbone.represented() as self._cut:
            return self._model.step(rows, number)

    def __call__(self, step: Step) -> Tensor:
        """Take the optimiser's step and give the weights applied, (K,)."""
        parameters, at = self._model.leaves(), self._cut.leaves
        gradients = TaskGradients.of_logits(
            step.logits,
            step.task_losses,
            self._model.backbone.penalty(step),
            {**parameters, **at},
            self._reached,
            passes=self._passes,
            weighed=at,
            kind=partial(RepresentationGradients, sample_weights=step.sample_weights),
        )
        weights, to_descend, _ = weighed(self._weighting, step, gradients)
        arrived = {name: to_descend[name] for name in at if name in to_descend}
        descended = {name: gradient for name, gradient in to_descend.items() if name not in at}
        for name, gradient in self._cut.gradients(arrived, parameters).items():
            descended[name] = descended[name] + gradient if name in descended else gradient
        self._model.apply(descended)
        return weights


def why_unrepresented(backbone: type[Backbone], params: Params, schema: Schema) -> str | None:
    """:func:`representation_fault` of such a backbone, found on a small copy of it with random inputs."""
    return representation_fault(*small_copy(backbone, params, schema))


def representation_fault(backbone: Backbone, inputs: Inputs) -> str | None:
    """Why gradients cannot be taken at the representation of ``backbone``, as seen on ``inputs``; ``None`` if they can.

    It is the end of a sentence whose subject is the backbone.
    """
    with backbone.represented() as cut:
        logits = backbone(inputs)
    return _fault(cut, *_sides(cut, logits, dict(backbone.named_parameters())))


def _sides(cut: Representation, logits: Tensor, parameters: Mapping[str, Tensor]) -> tuple[list[str], Reach]:
    """The parameters below the cut, and the tasks that reach each part of it and each parameter without passing it."""
    ones = {name: torch.ones_like(leaf) for name, leaf in cut.leaves.items()}
    below = [name for name, gradient in cut.gradients(ones, parameters, keep=True).items() if gradient.any()]
    return below, reach(logits, {**parameters, **cut.leaves})


def _fault(cut: Representation, below: list[str], above: Reach) -> str | None:
    """What is wrong with the representation."""
    if not cut.leaves:
        return NONE_NAMED
    if alone := [name for name in cut.leaves if len(above[name]) < 2]:
        return f"names a part that fewer than two tasks read ({', '.join(alone)})"
    if around := [name for name in below if above[name]]:
        return f"names one that is not all that the tasks share: {around[0]} reaches logits around it as well"
    return None


def no_representation(weighting: str, backbone: str, fault: str) -> str:
    """The reason why a method that compares gradients of the representation is not applicable."""
    return f"{weighting} compares gradients of the shared representation here, and {backbone} {fault}"
