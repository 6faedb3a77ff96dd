"""What must hold where labels were not observed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Split, Splits, Step, TrainingError
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import (
    Call,
    TrainingRun,
    Watch,
    new_training_run,
    owns_schedule,
    refuse_thirds,
)
from mtlbench.conformance.weightings.numbers import EXACT

TASKS = 4
"""Like no other size of the fixture, so that a dimension of this size is one of tasks."""
LACKING = 1
"""The task that most batches have no label of."""
KEPT = 3
"""Rows of each class that have its label."""
APPENDED = 17
TOLERANCE = 1e-4
"""Relative: the same sum over rows in another order differs in the last digits."""

ADVICE = "read step.task_losses in place of step.losses.mean(0), and count rows by step.observed"


@dataclass(frozen=True)
class Gaps(Fixture):
    """A fixture in which most rows have no label of one task."""

    def splits(self) -> Splits:
        """The fixture's, with gaps in the training split."""
        whole = super().splits()
        labels = whole.train.labels.clone()
        of_task = labels[:, LACKING]
        kept = torch.cat([(of_task == value).nonzero()[:KEPT, 0] for value in (0, 1)])
        gone = torch.ones(len(labels), dtype=torch.bool)
        gone[kept] = False
        labels[gone, LACKING] = torch.nan
        return replace(whole, train=replace(whole.train, labels=labels))


@dataclass(frozen=True)
class Appended(Fixture):
    """A fixture with further training rows that have no label of any task."""

    def splits(self) -> Splits:
        """The fixture's, with rows appended to the training split, each a session of its own."""
        whole = super().splits()
        train, more = whole.train, whole.validation
        later = torch.arange(APPENDED) + len(train)
        added = {
            "labels": torch.full((APPENDED, self.tasks), torch.nan),
            "timestamp": later * 1000,
            "session": later - len(train) + int(train.session.max()) + 1,
            "position": torch.zeros_like(later),
            "next_row": later,
            "done": torch.ones(APPENDED, dtype=torch.bool),
        }
        names = ("categorical", "numerical", "user", *added)
        columns: dict[str, Any] = {
            name: torch.cat([getattr(train, name), added.get(name, getattr(more, name)[:APPENDED])]) for name in names
        }
        return replace(whole, train=Split(**columns))


@rule("weighting")
def rows_without_labels(plugin: PluginUnderTest) -> None:
    """Rows without any label change no weight."""
    refuse_thirds(plugin)
    plain, longer = Fixture(), Appended()
    # One step per epoch, of all rows.
    expected, found = (_run(plugin, fixture, epochs=3) for fixture in (plain, longer))
    for number, (one, other) in enumerate(zip(found.steps, expected.steps, strict=True)):
        had, has = (_of_first_rows(run.rows, run.weights, plain.rows) for run in (other, one))
        if not torch.allclose(has, had, rtol=TOLERANCE, atol=TOLERANCE):
            broken(
                f"step {number}: weights {show(has)} with {APPENDED} more rows that have no label, {show(had)} without",
                ADVICE,
            )


@rule("weighting")
def placeholders(plugin: PluginUnderTest) -> None:
    """What stands in place of a label that was not observed changes no weight."""

    def put(value: float) -> Watch:
        def watch(hook: str, call: Call, step: Step | None) -> Any:
            if step is not None:
                step.labels = torch.where(step.observed, step.labels, value)
            return call()

        return watch

    fixture = Gaps(TASKS)
    runs = [_run(plugin, fixture, batch_size=fixture.rows // 2, watch=put(value)) for value in (torch.nan, 0.0, 1e9)]
    observed = ~fixture.splits().train.labels.isnan()
    for other in runs[1:]:
        for number, (one, two) in enumerate(zip(runs[0].steps, other.steps, strict=True)):
            before, after = (_where(observed[w.rows], w.weights) for w in (one, two))
            if not torch.equal(before, after):
                broken(
                    f"step {number}: weights {show(before, EXACT)} with one number in place of the labels that were "
                    f"not observed, {show(after, EXACT)} with another",
                    "read step.labels only where step.observed is true",
                )


@rule("weighting")
def all_observed(plugin: PluginUnderTest) -> None:
    """A mask that is all true gives the bits of no mask."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        if step is not None:
            step.mask = torch.ones_like(step.losses, dtype=torch.bool)
        return call()

    fixture = Fixture()
    plain, masked = (_run(plugin, fixture, epochs=3, batch_size=fixture.rows // 2, watch=w) for w in (None, watch))
    for number, (one, two) in enumerate(zip(plain.steps, masked.steps, strict=True)):
        if not torch.equal(one.weights, two.weights):
            broken(
                f"step {number}: weights {show(two.weights, EXACT)} with a mask, {show(one.weights, EXACT)} without",
                "let step.task_losses, step.observed and step.seen decide, and not whether there is a mask",
            )


@rule("weighting")
def batch_without_a_task(plugin: PluginUnderTest) -> None:
    """A task that a batch has no label of keeps its state, and all weights stay finite."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        if step is None or step.seen[LACKING]:
            return call()
        before = _of_task(run.weighting.state_dict())
        result = call()
        after = _of_task(run.weighting.state_dict())
        for name, value in before.items():
            if name in after and not torch.equal(after[name].nan_to_num(), value.nan_to_num()):
                broken(
                    f"{hook} changed {name} of a task that the batch has no label of: {show(value)} became "
                    f"{show(after[name])}",
                    "change what belongs to a task only where step.seen is true",
                )
        return result

    fixture = Gaps(TASKS)
    run = _prepared(plugin, fixture, epochs=3, batch_size=fixture.rows // 8, watch=watch)
    try:
        run.train()
    except TrainingError as error:
        broken(str(error), "divide by nothing that is 0 where step.seen is false")
    for number, one in enumerate(run.steps):
        if not one.weights.isfinite().all():
            broken(
                f"weights {show(one.weights)} in step {number}", "divide by nothing that is 0 where a task is unseen"
            )


def _prepared(plugin: PluginUnderTest, fixture: Fixture, **settings: Any) -> TrainingRun:
    if owns_schedule(plugin.weighting()):
        raise NotApplicableError("the method has a schedule of its own, of which the kit knows no single step")
    return new_training_run(plugin, fixture, **settings)


def _run(plugin: PluginUnderTest, fixture: Fixture, **settings: Any) -> TrainingRun:
    return _prepared(plugin, fixture, **settings).train()


def _of_first_rows(rows: Tensor, weights: Tensor, count: int) -> Tensor:
    """``weights`` per task as they are; those per sample in the order of the rows, of the first ``count``."""
    return weights if weights.dim() == 1 else weights[rows.argsort()][:count]


def _where(observed: Tensor, weights: Tensor) -> Tensor:
    return weights if weights.dim() == 1 else torch.where(observed, weights, 0.0)


def _of_task(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of what the parts of a state hold of the task that is lacking."""
    return {
        name: value.select(dim, LACKING).clone()
        for name, value in state.items()
        for dim in range(value.dim())
        if value.shape[dim] == TASKS
    }
