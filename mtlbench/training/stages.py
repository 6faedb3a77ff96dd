"""The stages of a cell: epochs until early stopping or an allowance ends them, saved on the way."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.api import Stateful
from mtlbench.training.budget import Allowance, Meter, Spend
from mtlbench.training.curve import CurvePoint
from mtlbench.training.journal import Entry, Journal
from mtlbench.training.loop import Loop, Runner
from mtlbench.training.optimiser import BackboneOptimiser
from mtlbench.training.seeding import generators, set_generators
from mtlbench.training.selection import Best, Selection

BEST = "best"


class MeanLosses:
    """Mean training loss of each task over the running epoch.

    Args:
        tasks: K.
        device: of the losses.
    """

    def __init__(self, tasks: int, device: torch.device) -> None:
        self.sum = torch.zeros(tasks, dtype=torch.float64, device=device)
        self.rows = 0

    def clear(self) -> None:
        """Begin an epoch."""
        self.sum.zero_()
        self.rows = 0

    def add(self, losses: Tensor) -> None:
        """Count the losses (B, K) of a step."""
        self.sum += losses.detach().sum(0)
        self.rows += len(losses)

    def means(self) -> list[float]:
        """One per task."""
        means: list[float] = (self.sum / self.rows).tolist()
        return means


class Stages:
    """Runs the stages of one cell, each a call in its journal.

    Args:
        backbone: what is trained.
        optimiser: of its parameters.
        selection: judges each epoch and keeps the best.
        runner: runs one epoch.
        meter: counts what a stage costs.
        losses: what the training steps add their losses to.
        journal: where calls are saved.
        epochs: most epochs of a stage.
        patience: epochs without a better score after which a stage stops.
        device: whose global generator is saved.
    """

    def __init__(
        self,
        backbone: nn.Module,
        optimiser: BackboneOptimiser,
        selection: Selection,
        runner: Runner,
        meter: Meter,
        losses: MeanLosses,
        journal: Journal,
        *,
        epochs: int,
        patience: int,
        device: torch.device,
    ) -> None:
        self.last: Loop | None = None
        """The loop that trained the backbone last."""
        self.diagnostics: dict[str, float | list[float]] = {}
        self.curves: dict[str, list[float]] = {}
        self._backbone = backbone
        self._optimiser = optimiser
        self._selection = selection
        self._runner = runner
        self._meter = meter
        self._losses = losses
        self._journal = journal
        self._epochs = epochs
        self._patience = patience
        self._device = device

    def train(self, loop: Loop, allowance: Allowance | None = None) -> None:
        """Run ``loop``, return to the best state, and save that."""
        call = self.run(loop, allowance)
        self.close(call, loop)

    def run(self, loop: Loop, allowance: Allowance | None = None) -> int:
        """Run ``loop`` and return to the best state; gives the number of the call.

        Without an allowance it ends by early stopping or with the last epoch, else when the allowance is used up.
        """
        call = self._journal.begin()
        saved = self._journal.read(call, loop.stage) if loop.state is not None else None
        self.last = loop
        if allowance is None:
            self._selection.best_epoch[loop.stage] = 0
        else:
            self._selection.best_epoch.setdefault(loop.stage, 0)
        with self._meter.stage(loop.stage) as spend:
            if saved is not None:
                self._restore(loop, spend, saved)
            if saved is None or not saved.over:
                while self._goes_on(loop, allowance):
                    self._epoch(loop, spend, allowance, call)
                self._selection.load(self._selection.best_state())
        return call

    def close(self, call: int, loop: Loop, kept: bool = True) -> None:
        """Save that the call is over; with its best state, where that is ``kept``."""
        if loop.state is not None:
            self._journal.close(call, lambda: self._entry(loop, generators(self._device), over=True, kept=kept))

    def drop(self, call: int) -> None:
        """Forget the best state of a call that is over."""
        self._journal.lighten(call, BEST)

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute``, or give ``result`` the state that it had after it."""
        call = self._journal.begin()
        saved = self._journal.read(call, name)
        if saved is not None:
            result.load_state_dict(saved.tensors["result"])
            self._meter.stages.extend(Spend(**spend) for spend in saved.facts["spend"])
            self._set_reports(saved)
            return
        before = len(self._meter.stages)
        compute()

        def entry() -> Entry:
            spend = [asdict(stage) for stage in self._meter.stages[before:]]
            tensors = {"result": dict(result.state_dict()), "generators": generators(self._device)}
            return Entry(name, {**self._reports(), "spend": spend}, tensors)

        self._journal.close(call, entry)

    def _goes_on(self, loop: Loop, allowance: Allowance | None) -> bool:
        if loop.steps > 0:  # resumed in the midst of an epoch
            return True
        if allowance is not None:
            return not self._meter.used(allowance)
        return loop.done < self._epochs and loop.done - self._selection.best_epoch[loop.stage] < self._patience

    def _epoch(self, loop: Loop, spend: Spend, allowance: Allowance | None, call: int) -> None:
        def checkpoint(outside: list[Tensor]) -> None:
            if self._journal.due:
                self._journal.save(call, self._entry(loop, outside, over=False))

        self._backbone.train()
        if loop.steps == 0:
            self._losses.clear()
        self._runner.epoch(loop, spend, allowance, checkpoint if loop.state is not None else None)
        self._selection.judge(loop.stage, loop.done, self._losses.means(), loop.weights())

    def _entry(self, loop: Loop, outside: list[Tensor], *, over: bool, kept: bool = True) -> Entry:
        """All that the rest of the cell depends on, as it is now; parameters are not settled for it."""
        assert loop.state is not None
        best = self._selection.best
        facts = {
            **self._reports(),
            "epochs": loop.done,
            "steps": loop.steps,
            "spend": asdict(self._meter.so_far()),
            "score": best.score,
            "best_epoch": self._selection.best_epoch,
            "curve": [asdict(point) for point in self._selection.curve],
            "rows": self._losses.rows,
        }
        tensors: dict[str, Any] = {"state": dict(loop.state.state_dict()), "generators": outside}
        if kept and best.state is not None:
            tensors[BEST] = list(best.state)
        if not over:
            tensors["losses"] = self._losses.sum
            tensors["backbone"] = dict(self._backbone.state_dict())
            tensors["optimiser"] = self._optimiser.exact_state()
        return Entry(loop.stage, facts, tensors, over)

    def _restore(self, loop: Loop, spend: Spend, saved: Entry) -> None:
        assert loop.state is not None
        facts, tensors = saved.facts, saved.tensors
        loop.state.load_state_dict(tensors["state"])
        loop.done, loop.steps = facts["epochs"], facts["steps"]
        vars(spend).update(facts["spend"])
        self._set_reports(saved)
        state = tensors.get(BEST)
        self._selection.best = Best(facts["score"], None if state is None else (state[0], state[1]))
        self._selection.best_epoch.update(facts["best_epoch"])
        self._selection.curve[:] = [CurvePoint(**point) for point in facts["curve"]]
        if not saved.over:
            self._losses.sum.copy_(tensors["losses"])
            self._losses.rows = facts["rows"]
            self._backbone.load_state_dict(tensors["backbone"])
            self._optimiser.load_exact_state(tensors["optimiser"])
        elif state is not None:
            self._selection.load(self._selection.best_state())

    def _reports(self) -> dict[str, Any]:
        return {"diagnostics": self.diagnostics, "series": self.curves}

    def _set_reports(self, saved: Entry) -> None:
        for own, kept in ((self.diagnostics, saved.facts["diagnostics"]), (self.curves, saved.facts["series"])):
            own.clear()
            own.update(kept)
        set_generators(self._device, saved.tensors["generators"])
