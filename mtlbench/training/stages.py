"""The stages of a cell: epochs until early stopping or a budget ends them, saved on the way."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from torch import Tensor

from mtlbench.api import Stateful
from mtlbench.cells import Training
from mtlbench.config.interval import Interval
from mtlbench.training.budget import Budget, Meter, Spend
from mtlbench.training.journal import Entry, Journal
from mtlbench.training.model import Model
from mtlbench.training.seeding import generators, set_generators
from mtlbench.training.selection import Best, Selection
from mtlbench.training.stage import Batches, Stage, Taken

BEST = "best"

Progress = Callable[[str, int, int, int, int, float], None]
"""Hears stage, epoch, epochs, steps done, steps in all, rows per second."""


def unheard(*report: Any) -> None:
    """Stands for the progress where nobody listens."""


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
        self._every = Interval.parse(training.validate_every)
        self._progress = progress
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
            self.train(self._last, budget)

    def challenge(self, winner: Candidate | None, name: str, stage: Stage) -> Candidate:
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

    def go_on_from(self, winner: Candidate) -> None:
        """Make the best state of ``winner`` the model's, and its stage the last one."""
        self._last = winner.stage
        self._selection.go_on_from(winner.best)

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
                while self._goes_on(stage, budget):
                    self._epoch(stage, spend, budget, call)
                if stage.unvalidated:
                    self._validate(stage)
                self._selection.load_best()
        return call

    def _goes_on(self, stage: Stage, budget: Budget | None) -> bool:
        if stage.midway:
            return True
        if budget is not None:
            return not self._meter.used(budget)
        return stage.epochs < self._training.epochs and not self._impatient

    @property
    def _impatient(self) -> bool:
        """Whether the running stage had as many validations without a better score as may be."""
        return self._selection.since_best >= self._training.patience

    def _epoch(self, stage: Stage, spend: Spend, budget: Budget | None, call: int) -> None:
        """One more epoch of ``stage``, or the rest of one, cut short when the budget is used up."""
        if not stage.midway:
            stage.begin_epoch()
        if not stage.unvalidated:
            self._model.forget_losses()
        self._model.backbone.train()
        outside = generators(self._batches.device)
        began, rows = time.perf_counter(), 0
        with self._batches.seeded(stage.stream, stage.epochs):
            for step in stage.steps(self._batches):
                spend.add(step.rows)
                rows += step.rows
                self._tell(stage, step, rows / (time.perf_counter() - began))
                if budget is not None and self._meter.used(budget):
                    break
                if step.number < step.steps and self._due(stage):
                    self._validate(stage)
                    if budget is None and self._impatient:
                        break
                if stage.resumable and self._journal.due:
                    self._journal.save(call, self._entry(stage, outside, over=False))
        stage.end_epoch()
        if self._due(stage):
            self._validate(stage)

    def _due(self, stage: Stage) -> bool:
        """Whether the stage has gone on long enough since the last validation."""
        if self._every.unit == "steps":
            return stage.unvalidated >= self._every.length
        return not stage.midway and stage.epochs % self._every.length == 0

    def _validate(self, stage: Stage) -> None:
        passes, weights = stage.passes, stage.weights()
        self._selection.judge(stage.name, stage.epochs, self._model.mean_losses(), weights, passes)
        self._model.forget_losses()

    def _tell(self, stage: Stage, step: Taken, rate: float) -> None:
        epochs = max(self._training.epochs, stage.epochs)
        done = (stage.epochs - 1) * step.steps + step.number
        self._progress(stage.name, stage.epochs, epochs, done, epochs * step.steps, rate)

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
