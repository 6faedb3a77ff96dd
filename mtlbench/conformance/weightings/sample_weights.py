"""What must hold where rows have sample weights."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Split, Splits
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import new_training_run, owns_schedule, refuse_thirds

MOST = 9
"""The largest weight."""
EPOCHS = 8
"""After so many steps the ratio of two losses, such as one to the first, tells a mean by weight from a plain one."""
TOLERANCE = 1e-4
"""Relative: the sum over a row and its copies differs in the last digits from the row times its weight."""

ADVICE = (
    "read step.task_losses in place of step.losses.mean(0), take means of other values of samples by step.task_means, "
    "and count rows by step.counts"
)


@dataclass(frozen=True)
class Weighted(Fixture):
    """A fixture whose training rows have whole weights, or stand in the split as often as these say."""

    sessions: bool = False
    copied: bool = False

    def splits(self) -> Splits:
        """The fixture's, without sessions, which copies of a row would change."""
        whole = super().splits()
        times = torch.randint(1, MOST + 1, (self.rows,), generator=torch.Generator().manual_seed(self.tasks))
        train = _repeated(whole.train, times) if self.copied else replace(whole.train, weight=times.float())
        return replace(whole, train=train)


def _repeated(split: Split, times: Tensor) -> Split:
    rows = torch.arange(len(split)).repeat_interleave(times)
    columns: dict[str, Any] = {name: value[rows] for name, value in vars(split).items() if isinstance(value, Tensor)}
    row = torch.arange(len(rows))
    return Split(**{**columns, "timestamp": row * 1000, "session": row, "next_row": row})


@rule("weighting")
def sample_weights(plugin: PluginUnderTest) -> None:
    """Whole sample weights give the weights of the rows repeated so often."""
    if owns_schedule(plugin.weighting()):
        raise NotApplicableError("the method has a schedule of its own, of which the kit knows no single step")
    refuse_thirds(plugin)
    # One step per epoch, of all rows.
    found, expected = (
        new_training_run(plugin, Weighted(copied=copied), epochs=EPOCHS).train().steps for copied in (False, True)
    )
    times = Weighted().splits().train.weight
    assert times is not None
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        has, had = one.weights, other.weights
        if has.dim() == 2:
            has, had = has[one.rows.argsort()].repeat_interleave(times.long(), dim=0), had[other.rows.argsort()]
        if not torch.allclose(has, had, rtol=TOLERANCE, atol=TOLERANCE):
            broken(
                f"step {number}: weights {show(has)} with sample weights of 1 to {MOST}, {show(had)} with each row "
                "repeated so often",
                ADVICE,
            )
