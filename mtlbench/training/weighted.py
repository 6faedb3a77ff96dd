"""Training steps under a weighting, and all that they carry from one to the next."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mtlbench.api import Step, Weighting
from mtlbench.training.descent import Descend
from mtlbench.training.traces import WeightTrace

WEIGHTING, TAKEN = "weighting.", "taken"


class WeightedSteps:
    """Weigh, descend, let the weighting look at it, and keep a trace of the weights.

    Args:
        weighting: after its ``setup``.
        step: the losses of a batch, given its rows and the number of steps before.
        descend: takes the optimiser's step.
        tasks: their names.
    """

    def __init__(
        self, weighting: Weighting, step: Callable[[Tensor, int], Step], descend: Descend, tasks: Sequence[str]
    ) -> None:
        self.weights: dict[str, dict[str, float]] | None = None
        """Summary of the weights of the last epoch."""
        self._weighting = weighting
        self._step = step
        self._descend = descend
        self._tasks = tasks
        self._trace = WeightTrace()
        self._taken = 0

    def update(self, rows: Tensor) -> None:
        """Train on one batch."""
        step = self._step(rows, self._taken)
        self._trace.add(self._descend(step))
        self._weighting.after_step(step)
        self._taken += 1

    def end_epoch(self, epoch: int) -> None:
        """Sum up the weights; tell the weighting."""
        self.weights = self._trace.summary(self._tasks)
        self._weighting.end_epoch(epoch)

    def state_dict(self) -> dict[str, Tensor]:
        """The weighting's state, the steps taken, and the weights of the running epoch."""
        state = {f"{WEIGHTING}{name}": value for name, value in self._weighting.state_dict().items()}
        return {**state, TAKEN: torch.tensor(self._taken), **self._trace.state_dict()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take it back."""
        own = {name.removeprefix(WEIGHTING): value for name, value in state.items() if name.startswith(WEIGHTING)}
        self._weighting.load_state_dict(own)
        self._taken = int(state[TAKEN])
        self._trace.load_state_dict(state)
