"""What training under a weighting does with a batch: forward, weigh, backward."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mtlbench.api import DirectionWeighting, Inputs, Setting, Step, TrainingError, Weighting
from mtlbench.api.masks import weighted_mean
from mtlbench.training.gradients import TASK_GRADIENTS, Passes, TaskGradients, no_shared_parameters, reach, shared
from mtlbench.training.model import Model
from mtlbench.training.passes import StackedPasses
from mtlbench.training.representation import RepresentationBackward
from mtlbench.training.weighing import weighed, weights_of

Weights = dict[str, dict[str, float]]
"""Task -> mean and quantiles of the weights applied."""

WEIGHTING, TAKEN, TRACE = "weighting.", "taken", "trace"
"""Parts of the state of an update."""
QUANTILES = {"min": 0.0, "q05": 0.05, "q50": 0.5, "q95": 0.95, "max": 1.0}


class WeightedUpdate:
    """Forward, weigh, backward, and a trace of the weights.

    Args:
        weighting: is set up here.
        setting: what it is told before its first step.
        model: what is trained.

    Raises:
        TrainingError: the method needs shared parameters or a shared representation, and there are none.
    """

    def __init__(self, weighting: Weighting, setting: Setting, model: Model) -> None:
        weighting.setup(setting)
        self._weighting = weighting
        self._tasks = [task.name for task in setting.tasks]
        self._backward = _backward(weighting)(weighting, model)
        self._trace: list[Tensor] = []
        self._taken = 0

    def step(self, rows: Tensor) -> None:
        """Train on one batch."""
        step = self._backward.forward(rows, self._taken)
        self._trace.append(self._backward(step).detach().reshape(-1, len(self._tasks)))
        self._weighting.after_step(step)
        self._taken += 1

    def end_epoch(self, epoch: int) -> None:
        """Tell the weighting."""
        if self._trace:
            self._trace = [torch.cat(self._trace)]  # a copy: the weighting may now change what it gave
        self._weighting.end_epoch(epoch)

    def weights(self) -> Weights:
        """Mean and quantiles of the weights since the last call, over steps or over samples."""
        summary = _summary(torch.cat(self._trace), self._tasks)
        self._trace.clear()
        return summary

    def state_dict(self) -> dict[str, Tensor]:
        """The weighting's state, the steps taken, and the weights since the last summary, one below the other."""
        state = {f"{WEIGHTING}{name}": value for name, value in self._weighting.state_dict().items()}
        state[TAKEN] = torch.tensor(self._taken)
        if self._trace:
            state[TRACE] = torch.cat(self._trace)
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take it back."""
        own = {name.removeprefix(WEIGHTING): value for name, value in state.items() if name.startswith(WEIGHTING)}
        self._weighting.load_state_dict(own)
        self._taken = int(state[TAKEN])
        self._trace = [state[TRACE]] if TRACE in state else []


class LossBackward:
    """One backward pass through the weighted mean loss."""

    def __init__(self, weighting: Weighting, model: Model) -> None:
        self._weighting = weighting
        self._model = model

    def forward(self, rows: Tensor, number: int) -> Step:
        """A step on ``rows``."""
        return self._model.step(rows, number, single="look-ahead" not in self._weighting.needs)

    def __call__(self, step: Step) -> Tensor:
        """Take the optimiser's step and give the weights applied, (K,) or (B, K)."""
        weights = weights_of(self._weighting, step)
        loss = weighted_mean(step.losses, weights, step.mask, step.sample_weights)
        penalty = self._model.backbone.penalty(step)
        self._model.descend(loss if penalty is None else loss + penalty)
        return weights


class GradientBackward:
    """The backward passes of the tasks; the weighting makes one direction of their gradients."""

    def __init__(self, weighting: Weighting, model: Model) -> None:
        self._weighting = weighting
        self._model = model
        self._passes: Passes = StackedPasses()
        self._forward: Callable[[Inputs], Tensor] | None = None
        logits = model.probe()
        tasks = logits.shape[1]
        self._reached = reach(logits, model.leaves())
        if not shared(self._reached):
            raise TrainingError(no_shared_parameters(weighting.label, model.backbone.label, tasks))
        replayed = model.replayed_tasks(self._reached, tasks, self._passes)
        if replayed is not None and "cross gram" not in weighting.needs:  # which goes backward three times a step
            self._forward, self._passes = replayed.forward, replayed.backward

    def forward(self, rows: Tensor, number: int) -> Step:
        """A step on ``rows``."""
        return self._model.step(rows, number, forward=self._forward)

    def __call__(self, step: Step) -> Tensor:
        """Take the optimiser's step and give the weights applied, (K,)."""
        weighting, model = self._weighting, self._model
        penalty = model.backbone.penalty(step)
        decay = model.decay() if isinstance(weighting, DirectionWeighting) and weighting.preconditioned else {}
        counts = step.counts if "cross gram" in weighting.needs else None
        gradients = TaskGradients.of_logits(
            step.logits, step.task_losses, penalty, model.leaves(), self._reached, decay, self._passes, counts
        )
        weights, to_descend, final = weighed(weighting, step, gradients)
        model.apply(to_descend, final)
        return weights


def _backward(weighting: Weighting) -> type[LossBackward | GradientBackward | RepresentationBackward]:
    if not weighting.needs & TASK_GRADIENTS:
        return LossBackward
    return RepresentationBackward if weighting.at == "representation" else GradientBackward


def _summary(weights: Tensor, tasks: Sequence[str]) -> Weights:
    """Task -> mean and quantiles of ``weights`` (N, K)."""
    together = weights.double().cpu().numpy()
    quantiles = np.quantile(together, list(QUANTILES.values()), axis=0)
    return {
        task: {"mean": float(together[:, k].mean())}
        | {name: float(value) for name, value in zip(QUANTILES, quantiles[:, k], strict=True)}
        for k, task in enumerate(tasks)
    }
