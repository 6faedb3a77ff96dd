"""Mixtures of experts: experts, gates, and the sum of experts weighted by a gate."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.nn.factored import Factored
from mtlbench.nn.linear import Linear
from mtlbench.nn.mlp import MLP, Norm


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
        of_shares = torch.stack([torch.linalg.vecdot(output, gradient) for output in outputs], dim=1)
        wanted = ctx.needs_input_grad[1:]
        return of_shares, *(gradient * shares[:, e : e + 1] if needed else None for e, needed in enumerate(wanted))
