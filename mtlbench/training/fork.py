"""Training that forks into branches, which start from the same parameters, and merges them again."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from mtlbench.api import Merge, TrainingError
from mtlbench.cells import Training
from mtlbench.training.budget import Meter, Spend
from mtlbench.training.epochs import Epochs
from mtlbench.training.merging import Parameters, Shares, largest, mean, normalised
from mtlbench.training.model import Model, State
from mtlbench.training.selection import Best, Selection
from mtlbench.training.stage import Stage

MERGED = "merged"


@dataclass
class Branch:
    """One branch: its stage, and what it takes from fork to fork."""

    stage: Stage
    optimiser: dict[str, Any]
    best: Best
    """Of its own validations, without a state."""
    spend: Spend | None = None
    parameters: Parameters | None = None
    """At its end; ``None``: since the last fork it was not trained yet."""
    score: float = math.nan
    """On validation, at its end."""


class Fork:
    """Trains each branch for an interval of epochs, merges them, and forks again from what was merged.

    Each branch keeps its optimiser, its schedule and its weighting. The best state of all validations, of a branch or
    of what was merged, is kept. No better one in ``patience`` validations of a branch ends the training.

    Args:
        name: of the stage; the branches are the stages ``<name> <branch>``, and merging is ``<name> merged``.
        branches: stages by name, all of one stream.
        merge: chooses the shares of the branches.
        interval: epochs of each branch between two merges.
        model: is what the branches start from.
        selection: judges each validation.
        meter: counts what each branch costs, and merging.
        epochs: trains.
        training: most epochs, and how many validations without a better score end the training.

    Raises:
        TrainingError: a branch has the name of what is merged.
    """

    def __init__(
        self,
        name: str,
        branches: Mapping[str, Stage],
        merge: Merge,
        interval: int,
        model: Model,
        selection: Selection,
        meter: Meter,
        epochs: Epochs,
        training: Training,
    ) -> None:
        if MERGED in branches:
            raise TrainingError(f"{MERGED!r} is the name of what comes of the branches; call the branch something else")
        self.name = name
        self.shares: list[Shares] = []
        """Of each merge."""
        self._merged_stage = f"{name} {MERGED}"
        self._merge = merge
        self._interval = interval
        self._model, self._selection, self._meter, self._epochs = model, selection, meter, epochs
        self._training = training
        self._start, optimiser = model.state()
        self._best = selection.best
        before = replace(self._best, state=None)
        self._branches = {branch: Branch(stage, optimiser, before) for branch, stage in branches.items()}
        self._merging: Spend | None = None
        self._merged_best = before
        self._until = self._merged = 0
        """Epochs of each branch at the next merge, and at the last one."""
        self._best_at = self._validations()
        """Validations of a branch until the best state."""
        for branch in self._branches.values():
            selection.begin(branch.stage.name)
        if len(branches) > 1:
            selection.begin(self._merged_stage)

    @property
    def last(self) -> Stage:
        """The stage of the branch with the largest share in the last merge."""
        return self._branches[largest(self.shares[-1])].stage

    def run(self, save: Callable[[list[Tensor]], None]) -> None:
        """Train until early stopping or the last epoch, and return to the best state.

        Args:
            save: is called after each step with the states that torch's generators had before the epoch.

        Raises:
            TrainingError: training diverges, or the shares are none.
        """
        while self._until > self._merged or self._goes_on:
            if self._until == self._merged:
                self._until = min(self._until + self._interval, self._training.epochs)
            for branch in self._branches.values():
                if branch.parameters is None:
                    self._train(branch, save)
            self._join()
            self._merged = self._until
        self._selection.go_on_from(self._best)

    @property
    def _goes_on(self) -> bool:
        return self._until < self._training.epochs and self._validations() - self._best_at < self._training.patience

    def _validations(self, branch: Branch | None = None) -> int:
        """How often ``branch``, or else the first, was validated."""
        branch = branch or next(iter(self._branches.values()))
        return sum(point.stage == branch.stage.name for point in self._selection.curve)

    def _train(self, branch: Branch, save: Callable[[list[Tensor]], None]) -> None:
        """Train ``branch`` for an interval, or the rest of one."""
        stage = branch.stage
        if not stage.midway:
            self._selection.go_on_from(branch.best, (self._start, branch.optimiser))
        with self._meter.stage(stage.name, branch.spend) as branch.spend:
            while stage.midway or stage.epochs < self._until:
                self._epochs.one(stage, branch.spend, _never, save)
            if stage.unvalidated:
                self._epochs.validate(stage)
        branch.score = self._selection.latest()
        branch.parameters, branch.optimiser = self._model.state()
        branch.best = self._taken(self._validations(branch))

    def _join(self) -> None:
        """Merge the branches, and make what comes of it the start of all."""
        scores = {name: branch.score for name, branch in self._branches.items()}
        if len(scores) == 1:
            shares = dict.fromkeys(scores, 1.0)
            self._start = self._mean(shares)
        else:
            with self._meter.stage(self._merged_stage, self._merging) as self._merging:
                shares = normalised(self._merge(scores, self._score), scores)
                self._start = self._mean(shares)
                state = self._start, self._branches[largest(shares)].optimiser
                self._selection.go_on_from(self._merged_best, state)
                self._selection.judge(self._merged_stage, self._until, None, None)
            self._merged_best = self._taken(self._validations())
        self.shares.append(shares)
        for branch in self._branches.values():
            branch.parameters = None

    def _score(self, shares: Mapping[str, float]) -> float:
        """The validation score of the mean of the branches by ``shares``."""
        self._model.load((self._mean(normalised(shares, self._branches)), {}), optimiser=False)
        self._meter.read(self._selection.rows)
        return self._selection.score()

    def _mean(self, shares: Shares) -> Parameters:
        return mean({name: branch.parameters or {} for name, branch in self._branches.items()}, shares)

    def _taken(self, validations: int) -> Best:
        """The best that was just validated, without its state, which is kept where none was better.

        Args:
            validations: of a branch, by now.
        """
        found = self._selection.best
        if found.state is not None and self._best.beaten_by(found.score, found.loss):
            self._best, self._best_at = found, validations - self._selection.since_best
        return replace(found, state=None)

    # -- saving -----------------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """All that the rest of the training depends on but tensors, as plain values."""
        branches = self._branches.values()
        return {
            "branches": [[*_plain(branch.best), branch.score, self._spent(branch.spend)] for branch in branches],
            "merging": [*_plain(self._merged_best), self._spent(self._merging)],
            "best": [*_plain(self._best), self._best_at],
            "epochs": [self._until, self._merged],
            "shares": self.shares,
        }

    def tensors(self, *, over: bool) -> dict[str, Any]:
        """The tensors that it depends on, not copied. Reading them does not change the model."""
        branches = self._branches.values()
        found: dict[str, Any] = {
            "stages": [branch.stage.state_dict() for branch in branches],
            "best": list(self._best.state or ()),
        }
        if not over:
            found["ends"] = [[branch.optimiser, branch.parameters] for branch in branches]
            found["start"] = self._start
            found["own best"] = list(self._selection.best.state or ())
            found["model"] = self._model.exact_state()
        return found

    def restore(self, facts: Mapping[str, Any], selected: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
        """Take back what :meth:`facts` and :meth:`tensors` gave, and ``selected``, the facts of the selection."""
        for branch, saved, stage in zip(self._branches.values(), facts["branches"], tensors["stages"], strict=True):
            branch.stage.load_state_dict(stage)
            branch.best, branch.score, branch.spend = Best(saved[0], None, saved[1]), saved[2], _spend(saved[3])
        score, loss, spend = facts["merging"]
        self._merged_best, self._merging = Best(score, None, loss), _spend(spend)
        spends = [branch.spend for branch in self._branches.values()]
        self._meter.enter([spend for spend in (*spends, self._merging) if spend is not None])
        score, loss, self._best_at = facts["best"]
        self._best = Best(score, _state(tensors["best"]), loss)
        (self._until, self._merged), self.shares = facts["epochs"], facts["shares"]
        if "model" not in tensors:
            self._selection.restore(selected, self._best.state)
            self._selection.load_best()
            return
        for branch, end in zip(self._branches.values(), tensors["ends"], strict=True):
            branch.optimiser, branch.parameters = end
        self._start = tensors["start"]
        self._selection.restore(selected, _state(tensors["own best"]))
        self._model.load_exact_state(tensors["model"])

    def _spent(self, spend: Spend | None) -> dict[str, Any] | None:
        return None if spend is None else asdict(self._meter.so_far(spend))


def _never() -> bool:
    return False


def _plain(best: Best) -> tuple[float, float]:
    return best.score, best.loss


def _state(saved: Sequence[Any]) -> State | None:
    return (saved[0], saved[1]) if saved else None


def _spend(saved: Mapping[str, Any] | None) -> Spend | None:
    return None if saved is None else Spend(**saved)
