"""Selection: of all epochs, the one with the best validation score is kept."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mtlbench.api import Split, TrainingError
from mtlbench.evaluation import auc
from mtlbench.training.curve import CurvePoint, Weights
from mtlbench.training.optimiser import BackboneOptimiser

State = tuple[dict[str, Tensor], dict[str, Any]]
"""Copies of the state of a backbone and of its optimiser."""


@dataclass(frozen=True)
class Best:
    """A validation score and the state that has it."""

    score: float = -math.inf
    state: State | None = None
    """``None``: no epoch had a score yet."""


class Selection:
    """Scores each epoch on the validation split, by the mean AUC over tasks, and keeps the state of the best.

    Args:
        backbone: parameters to keep.
        optimiser: its state is kept with them.
        tasks: names, for the curve.
        validation: the split that decides.
        infer: logits (N, K) of the backbone on a split.
    """

    def __init__(
        self,
        backbone: nn.Module,
        optimiser: BackboneOptimiser,
        tasks: tuple[str, ...],
        validation: Split,
        infer: Callable[[Split], Tensor],
    ) -> None:
        self.best = Best()
        self.curve: list[CurvePoint] = []
        self.best_epoch: dict[str, int] = {}
        """Stage -> its epoch that was the best of all so far; 0 where none was."""
        self._backbone = backbone
        self._optimiser = optimiser
        self._tasks = tasks
        self._validation = validation
        self._infer = infer

    def judge(self, stage: str, epoch: int, losses: list[float], weights: Weights | None) -> None:
        """Score the epoch just trained, of mean training ``losses`` per task, and keep it if it is the best so far."""
        if not all(math.isfinite(loss) for loss in losses):
            means = ", ".join(f"{task} {loss:g}" for task, loss in zip(self._tasks, losses, strict=True))
            raise TrainingError(
                f"training diverged: mean loss over epoch {epoch} of stage {stage!r} is {means}; "
                "lower --learning-rate or check the weights of the method"
            )
        logits, labels = self._infer(self._validation), self._validation.labels
        aucs = [auc(logits[:, k], labels[:, k]) for k in range(len(self._tasks))]
        loss_of, auc_of = (dict(zip(self._tasks, values, strict=True)) for values in (losses, aucs))
        self.curve.append(CurvePoint(stage, epoch, loss_of, auc_of, weights))
        score = sum(aucs) / len(aucs)
        if score > self.best.score:
            self.best_epoch[stage] = epoch
            self.keep(score)

    def keep(self, score: float) -> None:
        """Take the present state as the best, of this validation score."""
        self.best = Best()  # of large tables there is no room for three states: the last best gives way first
        self.best = Best(score, self.state())

    def state(self) -> State:
        """Copies of the present state."""
        optimiser = self._optimiser.state_dict()
        return {name: value.detach().clone() for name, value in self._backbone.state_dict().items()}, optimiser

    def load(self, state: State) -> None:
        """Make ``state`` the present one."""
        backbone, optimiser = state
        self._backbone.load_state_dict(backbone)
        self._optimiser.load_state_dict(optimiser)

    def best_state(self) -> State:
        """The state of the best epoch.

        Raises:
            TrainingError: no epoch had a score.
        """
        if self.best.state is None:
            raise TrainingError("no epoch gave a defined validation AUC; check the validation split")
        return self.best.state
