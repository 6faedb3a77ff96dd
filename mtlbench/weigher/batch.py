"""What a loop gives of a step, checked, and the step that a weighting sees of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from mtlbench.api import Inputs, Step
from mtlbench.api.masks import counted, masked, observed_in
from mtlbench.config.given import items_of
from mtlbench.errors import UsageError
from mtlbench.text import shown

Losses = Tensor | Sequence[Tensor]
"""(K,) or (B, K), or a list of K of shape () or (B,)."""

ABSENT = {
    "inputs": "the encoded inputs: give backward(..., inputs=...), an api.Inputs of B rows",
    "labels": "the labels: give backward(..., labels=...), (B, K)",
    "logits": "the logits: give backward(..., logits=...), (B, K)",
}
LOW_PRECISION = {torch.float16, torch.bfloat16}


class LoopStep(Step):
    """A step of a loop of one's own; what the loop did not give is not there."""

    def __getattr__(self, name: str) -> NoReturn:
        """Say how to give what is absent."""
        if name in ABSENT:
            raise UsageError(f"the weighting reads step.{name}, {ABSENT[name]}")
        super().__getattr__(name)


class Batch(NamedTuple):
    """What a loop gave of a step, of B samples; of means of tasks B is 1."""

    losses: Tensor
    """(B, K) in the graph, 0 where not observed."""
    mask: Tensor | None = None
    """(B, K) bool, which losses are observed; ``None``: all."""
    sample_weights: Tensor | None = None
    """(B,)."""
    logits: Tensor | None = None
    labels: Tensor | None = None
    inputs: Inputs | None = None

    @property
    def counts(self) -> Tensor:
        """(B, K) how much each loss counts."""
        return counted(self.mask, self.sample_weights, self.losses.detach())

    @property
    def shares(self) -> Tensor:
        """(B, K) what each loss counts in the mean loss of its task: the gradient of that mean."""
        if self.mask is None and self.sample_weights is None:
            return torch.full_like(self.losses, 1 / len(self.losses))
        counts = self.counts
        total = counts.sum(0)
        return counts / torch.where(total > 0, total, 1.0)

    def step(self, number: int) -> LoopStep:
        """What a weighting sees."""
        given: Any = self  # LoopStep has no attribute for what is None
        rows = torch.arange(len(self.losses), device=self.losses.device)
        step = LoopStep(
            rows,
            given.inputs,
            given.labels,
            given.logits,
            self.losses,
            number,
            mask=self.mask,
            sample_weights=self.sample_weights,
        )
        for name in ABSENT:
            if getattr(step, name) is None:
                delattr(step, name)
        return step


def side_by_side(losses: Losses) -> Tensor:
    """The losses (K,) or (B, K) as one tensor, of at least single precision.

    Raises:
        UsageError: a list has tensors of different shapes, or none, or something else.
    """
    if isinstance(losses, Tensor):
        return losses.float() if losses.dtype in LOW_PRECISION else losses
    losses = items_of(losses)
    if other := next((type(loss).__name__ for loss in losses if not isinstance(loss, Tensor)), None):
        raise UsageError(
            f"the losses have a {other} among them; give one tensor per task, such as list(losses.values())"
        )
    columns = [loss.float() if loss.dtype in LOW_PRECISION else loss for loss in losses]
    shapes = {tuple(column.shape) for column in columns}
    if len(shapes) != 1:
        raise UsageError(f"the losses have the shapes {sorted(shapes)}; give one tensor per task, () or (B,)")
    return torch.stack(columns, dim=-1)


def read(
    losses: Tensor,
    tasks: int,
    device: torch.device,
    *,
    inputs: Inputs | None = None,
    logits: Tensor | None = None,
    labels: Tensor | None = None,
    observed: Tensor | None = None,
    sample_weights: Tensor | None = None,
) -> Batch:
    """What a loop gave, checked.

    Raises:
        UsageError: a shape or a device is wrong, or a loss is NaN that should have been left out.
    """
    if losses.dim() not in {1, 2} or losses.shape[-1] != tasks:
        raise UsageError(f"losses have the shape {tuple(losses.shape)}; expected ({tasks},) or (B, {tasks})")
    if not losses.numel() or not losses.is_floating_point():
        what = "no row" if not losses.numel() else f"the type {losses.dtype}"
        raise UsageError(f"losses have {what}: give real numbers of at least one sample")
    if losses.device != device:
        raise UsageError(f"losses are on {losses.device} and the weigher on {device}: give device='{losses.device}'")
    given = {"logits": logits, "labels": labels, "observed": observed, "sample_weights": sample_weights}
    for name, value in given.items():
        if value is not None and not isinstance(value, Tensor):
            raise UsageError(f"{name} = {shown(value)}: give a tensor on the device of the losses")
    whole = losses if losses.dim() == 2 else losses.unsqueeze(0)
    for name, values in {"logits": logits, "labels": labels, "observed": observed}.items():
        if values is not None and values.shape != losses.shape:
            raise UsageError(
                f"{name} have the shape {tuple(values.shape)}, losses {tuple(losses.shape)}; give both as (B, {tasks})"
            )
    if sample_weights is not None and sample_weights.shape != whole.shape[:1]:
        raise UsageError(f"sample_weights have the shape {tuple(sample_weights.shape)}; expected ({len(whole)},)")
    if observed is not None and losses.dim() == 1:
        observed = observed.unsqueeze(0)
    if observed is not None and (observed.is_floating_point() or observed.is_complex()):
        raise UsageError(f"observed is {observed.dtype}: give bool, such as observed > 0 or ~labels.isnan()")
    if sample_weights is not None and not 0 <= sample_weights.min() <= sample_weights.max() < torch.inf:
        raise UsageError("sample_weights has a number that is negative or not finite: give numbers of 0 or more")
    mask = observed.bool() if observed is not None else None if labels is None else observed_in(labels)
    if mask is not None:
        if whole.detach().isnan().logical_and(~mask).any():
            raise UsageError(
                "a loss that was not observed is NaN, and its gradient would be too: put any number in the place of "
                "NaN labels before the loss, such as labels.nan_to_num(), and give observed=~labels.isnan()"
            )
        whole = masked(whole, mask)
    return Batch(whole, mask, sample_weights, None if logits is None else logits.detach(), labels, inputs)
