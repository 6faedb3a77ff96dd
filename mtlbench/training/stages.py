"""The stages of a cell: epochs until early stopping or a budget ends them, saved on the way."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from torch import Tensor

from mtlbench.api import Merge, Stateful
from mtlbench.cells import Training
from mtlbench.training.budget import Budget, Meter, Spend
from mtlbench.training.epochs import Epochs, Progress
from mtlbench.training.fork import Fork
from mtlbench.training.journal import Entry, Journal
from mtlbench.training.merging import Shares
from mtlbench.training.model import Model
from mtlbench.training.seeding import generators, set_generators
from mtlbench.training.selection import Best, Selection
from mtlbench.training.stage import Batches, Stage

BEST = "best"


class Candidate(NamedTuple):
    """A stage that was trained to be compared with others."""

    name: str
    stage: Stage
    call: int
    """In the journal."""
    best: Best


class Stages:
    """Runs the stages of one cell. Each is a call in the cell's journal.

    Args:
        model: what is trained.
        selection: judges each validation and keeps the best.
        batches: of the training split.
        meter: counts what a stage costs.
        journal: where calls are saved.
        training: most epochs of a stage, when to validate, and how many validations without a better score end it.
        progress: hears how far a stage has come.
    """

    def __init__(
        self,
        model: Model,
        selection: Selection,
        batches: Batches,
        meter: Meter,
        journal: Journal,
        training: Training,
        progress: Progress,
    ) -> None:
        self.diagnostics: dict[str, float | list[float]] = {}
        self.series: dict[str, list[float]] = {}
        self._model = model
        self._selection = selection
        self._batches = batches
        self._meter = meter
        self._journal = journal
        self._training = training
        self._epochs = Epochs(model, selection, batches, training, progress)
        self._last: Stage | None = None

    def log_scalar(self, name: str, value: float | list[float]) -> None:
        """Keep a diagnostic for the record."""
        self.diagnostics[name] = value

    def log_series(self, name: str, values: list[float]) -> None:
        """Keep a series for the record."""
        self.series[name] = values

    def train(self, stage: Stage, budget: Budget | None = None) -> None:
        """Run ``stage``, return to the best state, and save that.

        Without a budget the stage ends by early stopping or with the last epoch, else when the budget is used up.
        """
        self._close(self._run(stage, budget), stage)

    def train_until_spent(self, budget: Budget, stage: Stage | None = None) -> None:
        """Train ``stage``, or else the last one on from the best epoch, until all stages have used the budget.

        Early stopping does not end it. Nothing is trained where the budget is used up, or where there is no stage.
        """
        self._last = stage or self._last
        if self._last is not None and not self._meter.used(budget):
            if stage is None:
                self._selection.go_on_with(self._last.name)
            self.train(self._last, budget)

    def select(self, candidates: Mapping[str, Callable[[], Stage]]) -> str:
        """Run each of ``candidates`` from the present state, and return to the best, of equals to the first."""
        best, state = self._selection.best, self._model.state()
        winner: Candidate | None = None
        for name, make in candidates.items():
            self._selection.go_on_from(best, state)
            winner = self._challenge(winner, name, make())
        assert winner is not None
        self._last = winner.stage
        self._selection.go_on_from(winner.best)
        return winner.name

    def _challenge(self, winner: Candidate | None, name: str, stage: Stage) -> Candidate:
        """Run ``stage`` as the candidate ``name``; gives the better of it and ``winner``, of equals that one."""
        call = self._run(stage)
        best = self._selection.best
        better = winner is None or winner.best.beaten_by(best.score, best.loss)
        self._close(call, stage, kept=better)
        if winner is not None:
            if not better:
                return winner
            self._journal.lighten(winner.call, BEST)
        return Candidate(name, stage, call, best)

    def fork(self, name: str, branches: Mapping[str, Callable[[], Stage]], merge: Merge, interval: int) -> list[Shares]:
        """Train ``branches``, merge them after every ``interval`` epochs, and save; gives the shares of each merge."""
        fork = Fork(
            name,
            {branch: make() for branch, make in branches.items()},
            merge,
            interval,
            self._model,
            self._selection,
            self._meter,
            self._epochs,
            self._training,
        )
        call = self._journal.begin()
        saved = self._journal.read(call, name)

        def save(outside: list[Tensor]) -> None:
            if self._journal.due:
                self._journal.save(call, self._fork_entry(fork, outside, over=False))

        if saved is not None:
            self._restore_common(saved)
            fork.restore(saved.facts["fork"], saved.facts["selection"], saved.tensors)
        if saved is None or not saved.over:
            fork.run(save)
            if self._journal.wants(call):
                self._journal.save(call, self._fork_entry(fork, generators(self._batches.device), over=True))
        self._last = fork.last
        return fork.shares

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute``, or give ``result`` the state that it had after it, where that was saved."""
        call = self._journal.begin()
        saved = self._journal.read(call, name)
        if saved is not None:
            result.load_state_dict(saved.tensors["result"])
            self._meter.enter([Spend(**spend) for spend in saved.facts["spend"]])
            self._restore_common(saved)
            return
        before = len(self._meter.stages)
        compute()
        if self._journal.wants(call):
            facts = {"logged": self._logged(), "spend": [asdict(spend) for spend in self._meter.stages[before:]]}
            tensors = {"result": dict(result.state_dict()), "generators": generators(self._batches.device)}
            self._journal.save(call, Entry(name, facts, tensors))

    def _run(self, stage: Stage, budget: Budget | None = None) -> int:
        """Run ``stage`` and return to the best state; gives the number of the call."""
        call = self._journal.begin()
        saved = self._journal.read(call, stage.name) if stage.resumable else None
        self._last = stage
        if stage.epochs == 0:
            self._selection.begin(stage.name)
        before = None if saved is None else Spend(**saved.facts["spend"])
        with self._meter.stage(stage.name, before) as spend:
            if saved is not None:
                self._restore(stage, saved)
            if saved is None or not saved.over:
                self._train(stage, spend, budget, call)
        return call

    def _train(self, stage: Stage, spend: Spend, budget: Budget | None, call: int) -> None:
        """Run the epochs of ``stage`` that are left, and return to the best state."""
        most = self._training.epochs if budget is None else math.inf

        def over() -> bool:
            if budget is not None:
                return self._meter.used(budget)
            return self._selection.since_best >= self._training.patience

        def save(outside: list[Tensor]) -> None:
            if stage.resumable and self._journal.due:
                self._journal.save(call, self._entry(stage, outside, over=False))

        while stage.midway or (stage.epochs < most and not over()):
            self._epochs.one(stage, spend, over, save)
        if stage.unvalidated:
            self._epochs.validate(stage)
        self._selection.load_best()

    def _close(self, call: int, stage: Stage, kept: bool = True) -> None:
        """Save that the call is over; with its best state, where that is ``kept``."""
        if stage.resumable and self._journal.wants(call):
            self._journal.save(call, self._entry(stage, generators(self._batches.device), over=True, kept=kept))

    def _entry(self, stage: Stage, outside: list[Tensor], *, over: bool, kept: bool = True) -> Entry:
        """All that the rest of the cell depends on. Reading it does not change the model."""
        facts = {
            "logged": self._logged(),
            "spend": asdict(self._meter.so_far()),
            "selection": self._selection.facts(),
        }
        tensors: dict[str, Any] = {"stage": stage.state_dict(), "generators": outside}
        best = self._selection.best.state
        if kept and best is not None:
            tensors[BEST] = list(best)
        if not over:
            tensors["model"] = self._model.exact_state()
        return Entry(stage.name, facts, tensors, over)

    def _fork_entry(self, fork: Fork, outside: list[Tensor], *, over: bool) -> Entry:
        facts = {
            "logged": self._logged(),
            "spend": {"steps": sum(spend.steps for spend in self._meter.stages)},
            "selection": self._selection.facts(),
            "fork": fork.facts(),
        }
        return Entry(fork.name, facts, {**fork.tensors(over=over), "generators": outside}, over)

    def _restore(self, stage: Stage, saved: Entry) -> None:
        stage.load_state_dict(saved.tensors["stage"])
        self._restore_common(saved)
        best = saved.tensors.get(BEST)
        self._selection.restore(saved.facts["selection"], None if best is None else (best[0], best[1]))
        if not saved.over:
            self._model.load_exact_state(saved.tensors["model"])
        elif best is not None:
            self._selection.load_best()

    def _logged(self) -> dict[str, Any]:
        return {"diagnostics": self.diagnostics, "series": self.series}

    def _restore_common(self, saved: Entry) -> None:
        """Take back what every entry has: what the weighting had logged, and the states of torch's generators."""
        self.diagnostics, self.series = saved.facts["logged"]["diagnostics"], saved.facts["logged"]["series"]
        set_generators(self._batches.device, saved.tensors["generators"])
