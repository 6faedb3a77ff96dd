"""Selection: of all validations, the one with the best score is kept, of equal ones that of the lowest loss."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from torch import Tensor

from mtlbench.api import Split, TrainingError
from mtlbench.tasks.objective import Objective
from mtlbench.training.model import Model, State
from mtlbench.training.update import Weights


@dataclass(frozen=True)
class CurvePoint:
    """What is known at a validation: losses in training since the last one, scores, and the weights applied since."""

    stage: str
    epoch: int
    train_loss: dict[str, float]
    """Empty where nothing was trained: states were merged."""
    validation: dict[str, float]
    """Task -> its primary metric."""
    weights: Weights | None
    """``None`` in a stage whose loss is no weighted sum of task losses."""
    passes: float | None = None
    """Over the training split so far in this stage, within an epoch; ``None`` at its end."""


@dataclass(frozen=True)
class Best:
    """A validation score and the state that has it."""

    score: float = -math.inf
    state: State | None = None
    """``None``: no epoch had a score yet, or its state is not kept."""
    loss: float = math.nan
    """Mean over tasks of the mean validation loss; NaN where it is not known."""

    def beaten_by(self, score: float, loss: float) -> bool:
        """Whether a higher score, or an equal one of lower validation loss, is better than this."""
        return score > self.score or (score == self.score and loss < self.loss)


class Selection:
    """Scores the model on the validation split by the objective, and keeps the best state.

    Of the same scores, such as an AUC of 1 each, the one of the lowest validation loss is the best. The loss is
    computed of a state that has the best score so far, and of no other.

    Args:
        model: what is scored and kept.
        validation: the split that decides.
        objective: of the tasks' primary metrics.
    """

    def __init__(self, model: Model, validation: Split, objective: Objective) -> None:
        self.curve: list[CurvePoint] = []
        """One point per validation so far."""
        self.since_best = 0
        """Validations in the running stage without a better score."""
        self.best_epoch: dict[str, int] = {}
        """Stage -> its epoch that was the best of all so far; 0 where none was."""
        self.best_passes: dict[str, float] = {}
        """Stage -> passes over the training split at the best, of stages whose best was within an epoch."""
        self._model = model
        self._tasks = model.tasks
        self._validation = validation
        self._objective = objective
        self._best = Best()

    @property
    def best(self) -> Best:
        """The best score so far and its state."""
        return self._best

    def begin(self, stage: str) -> None:
        """A stage begins: no epoch of it is the best."""
        self.best_epoch[stage] = 0
        self.best_passes.pop(stage, None)
        self.since_best = 0

    def judge(
        self, stage: str, epoch: int, losses: list[float] | None, weights: Weights | None, passes: float | None = None
    ) -> None:
        """Score the model, and keep its state if it is the best so far.

        Args:
            stage: the running one.
            epoch: of it, from 1.
            losses: mean training loss of each task since the last validation; ``None``: nothing was trained.
            weights: applied since then.
            passes: over the training split in this stage, where the epoch still runs.

        Raises:
            TrainingError: a loss or a logit is not finite.
        """
        trained = {} if losses is None else dict(zip(self._tasks.kinds, losses, strict=True))
        if not all(map(math.isfinite, trained.values())):
            means = ", ".join(f"{task} {loss:g}" for task, loss in trained.items())
            raise TrainingError(
                f"training diverged: mean loss over epoch {epoch} of stage {stage!r} is {means}; "
                "lower --learning-rate or check the weights of the method"
            )
        logits = self._model.infer(self._validation)
        self._tasks.refuse_diverged(logits)
        scores = self._scores(logits)
        self.curve.append(CurvePoint(stage, epoch, trained, scores, weights, passes))
        self.since_best += 1
        score = self._objective.of(scores)
        if score < self._best.score:
            return
        loss = fmean(self._tasks.mean_losses(logits, self._validation.labels, self._validation.weight))
        if self._best.beaten_by(score, loss):
            self.since_best, self.best_epoch[stage] = 0, epoch
            self.best_passes.pop(stage, None)
            if passes is not None:
                self.best_passes[stage] = passes
            self.keep(score, loss)

    def go_on_with(self, stage: str) -> None:
        """A stage that ended goes on from the best state; where that is of another stage, it keeps none of its own."""
        kept = [point for point in self.curve if (point.stage, point.epoch) == (stage, self.best_epoch[stage])]
        if kept and self._best.score not in [self._objective.of(point.validation) for point in kept]:
            del self.best_epoch[stage]  # to stand as the last one
            self.begin(stage)

    def latest(self) -> float:
        """The score of the last validation."""
        return self._objective.of(self.curve[-1].validation)

    def score(self) -> float:
        """The score of the model as it is now, which is not kept."""
        return self._objective.of(self._scores(self._model.infer(self._validation)))

    @property
    def rows(self) -> int:
        """Rows that a validation reads."""
        return len(self._validation)

    def keep(self, score: float, loss: float) -> None:
        """Take the model's present state as the best, with this validation score and loss."""
        self._best = Best()  # large tables leave no room for three states, so the last best is freed first
        self._best = Best(score, self._model.state(), loss)

    def best_state(self) -> State:
        """The state of the best epoch.

        Raises:
            TrainingError: no epoch had a score.
        """
        if self._best.state is None:
            raise TrainingError("no epoch gave a defined validation score; check the validation split")
        return self._best.state

    def load_best(self) -> None:
        """Make the best state the model's."""
        self._model.load(self.best_state())

    def go_on_from(self, best: Best, state: State | None = None) -> None:
        """Take ``best`` as the best so far, and make ``state``, or else that of the best, the model's."""
        self._best = best
        self._model.load(state or self.best_state())

    def facts(self) -> dict[str, Any]:
        """All but the best state, as plain values."""
        return {
            "score": self._best.score,
            "loss": self._best.loss,
            "best_epoch": self.best_epoch,
            "best_passes": self.best_passes,
            "since_best": self.since_best,
            "curve": [asdict(point) for point in self.curve],
        }

    def restore(self, facts: Mapping[str, Any], state: State | None) -> None:
        """Take back what :meth:`facts` gave, and the best state where it was kept; the model stays as it is."""
        self._best = Best(facts["score"], state, facts["loss"])
        self.best_epoch, self.best_passes = dict(facts["best_epoch"]), dict(facts["best_passes"])
        self.since_best = facts["since_best"]
        self.curve = [CurvePoint(**point) for point in facts["curve"]]

    def _scores(self, logits: Tensor) -> dict[str, float]:
        """Task -> its primary metric of ``logits`` on the validation split."""
        found = self._tasks.primary(logits, self._validation.labels, self._validation.weight)
        return dict(zip(self._tasks.kinds, found, strict=True))
