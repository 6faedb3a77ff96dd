"""Mixtures of experts: experts, gates, and the sum of experts weighted by a gate."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.nn.factored import Factored
from mtlbench.nn.linear import Linear
from mtlbench.nn.mlp import MLP, Norm

CACHE_ELEMENTS = 1 << 19
"""Numbers of the sums of experts that are made at a time: as many as the second cache of a processor holds."""


class Experts(nn.ModuleList):
    """``count`` MLPs on one input: (B, inputs) to ``count`` outputs (B, widths[-1])."""

    def __init__(self, count: int, inputs: int, widths: Sequence[int], dropout: float, norm: Norm) -> None:
        super().__init__(MLP(inputs, widths, dropout, norm) for _ in range(count))
        self.width = widths[-1]

    def forward(self, features: Tensor | Factored) -> list[Tensor]:
        """One output (B, width) per expert."""
        return [expert(features) for expert in self]


class Gate(Linear):
    """Softmax of a linear layer: (B, inputs) to (B, choices), positive, summing to 1."""

    def forward(self, features: Tensor | Factored) -> Tensor:
        """Shares (B, choices)."""
        return super().forward(features).softmax(dim=1)


def mix(shares: Tensor, outputs: Sequence[Tensor]) -> Tensor:
    """Sum (B, W) of E ``outputs`` (B, W) weighted by ``shares`` (B, E)."""
    mixed: Tensor = _Mix.apply(shares.to(outputs[0].dtype), *outputs)  # type: ignore[no-untyped-call]
    return mixed


def mixtures(shares: Sequence[Tensor], outputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The sum of :func:`mix` by each of ``shares``, K tensors (B, E): K sums (B, W) of the same ``outputs``.

    Same bits as K calls of :func:`mix`. The outputs are read once for all of them, and so are their gradients.
    """
    mixed: Sequence[Tensor] = _Mixtures.apply(  # type: ignore[no-untyped-call]
        len(shares), *(own.to(outputs[0].dtype) for own in shares), *outputs
    )
    return mixed


class _Mix(torch.autograd.Function):
    """The weighted sum. The outputs are never copied into one tensor, and its gradient is never made."""

    @staticmethod
    def forward(ctx: Any, shares: Tensor, *outputs: Tensor) -> Tensor:
        ctx.save_for_backward(shares, *outputs)
        mixed = outputs[0] * shares[:, :1]
        for e, output in enumerate(outputs[1:], start=1):
            mixed.addcmul_(output, shares[:, e : e + 1])
        return mixed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        shares, *outputs = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        return _of_shares(outputs, gradient), *(
            gradient * shares[:, e : e + 1] if needed else None for e, needed in enumerate(wanted)
        )


class _Mixtures(torch.autograd.Function):
    """The weighted sums, a block of rows at a time: a single sum is faster in :class:`_Mix`, which needs no blocks."""

    takes_none = True

    @staticmethod
    def forward(ctx: Any, tasks: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        shares, outputs = torch.stack(tensors[:tasks]), tensors[tasks:]
        ctx.tasks = tasks
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        mixed = outputs[0].new_empty(tasks, *outputs[0].shape)
        for rows in _blocks(mixed):
            block = torch.mul(outputs[0][rows], shares[:, rows, :1], out=mixed[:, rows])
            for e, output in enumerate(outputs[1:], start=1):
                block.addcmul_(output[rows], shares[:, rows, e : e + 1])
        return mixed.unbind()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        shares, outputs = torch.stack(ctx.saved_tensors[: ctx.tasks]), ctx.saved_tensors[ctx.tasks :]
        of_shares = [None if gradient is None else _of_shares(outputs, gradient) for gradient in gradients]
        wanted = ctx.needs_input_grad[1 + len(shares) :]
        columns = [column for column, needed in zip(shares.unbind(2), wanted, strict=True) if needed]
        if not columns or all(gradient is None for gradient in gradients):
            return None, *of_shares, *(None for _ in outputs)
        own = shares.movedim(2, 1) if len(columns) == len(outputs) else torch.stack(columns, dim=1)
        of_wanted = iter(_of_outputs(own, gradients))
        return None, *of_shares, *(next(of_wanted) if needed else None for needed in wanted)


def _of_shares(outputs: Sequence[Tensor], gradient: Tensor) -> Tensor:
    """(B, E) from the ``gradient`` (B, W) of a sum."""
    return torch.stack([torch.linalg.vecdot(output, gradient) for output in outputs], dim=1)


def _of_outputs(shares: Tensor, gradients: Sequence[Tensor | None]) -> Sequence[Tensor]:
    """Gradients (B, W) of E outputs, whose ``shares`` are (K, E, B), from the ``gradients`` (B, W) of K sums."""
    # The last first: in this order autograd adds the gradients of sums that were made one after the other.
    (of_first, first), *arrived = [
        (own, gradient)
        for own, gradient in zip(shares.unsqueeze(3).unbind(), gradients, strict=True)
        if gradient is not None
    ][::-1]
    if torch.is_grad_enabled():  # somebody wants second derivatives, which sums in a buffer do not have
        return sum((gradient * own for own, gradient in arrived), first * of_first).unbind()
    found = first.new_empty(shares.shape[1], *first.shape)
    for rows in _blocks(found):
        block = torch.mul(first[rows], of_first[:, rows], out=found[:, rows])
        for own, gradient in arrived:
            block.add_(gradient[rows] * own[:, rows])
    return found.unbind()


def _blocks(made: Tensor) -> list[slice]:
    """The rows of ``made`` (N, B, W) in blocks that stay in a cache while terms are added to them.

    A GPU makes all rows at once: each block would cost its launches.
    """
    count, batch, width = made.shape
    rows = max(1, CACHE_ELEMENTS // (count * width) if made.device.type == "cpu" else batch)
    return [slice(first, first + rows) for first in range(0, batch, rows)]
