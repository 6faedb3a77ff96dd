"""Mixtures of experts: experts, gates, and the sum of experts weighted by a gate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtlbench.nn.mlp import MLP, Hidden, Norm


class Experts(nn.Module):
    """``count`` MLPs on one input: (B, inputs) to (B, count, widths[-1]).

    The first layers of all experts are one linear layer, its output cut into experts: one large matrix product
    instead of ``count`` small ones, the same mathematics.
    """

    def __init__(self, count: int, inputs: int, widths: Sequence[int], dropout: float, norm: Norm) -> None:
        super().__init__()
        self.count = count
        self.first = Hidden(inputs, count * widths[0], dropout, norm)
        self.rest = nn.ModuleList(MLP(widths[0], widths[1:], dropout, norm) for _ in range(count))
        self.width = widths[-1]

    def forward(self, features: Tensor) -> Tensor:
        """Outputs (B, count, width)."""
        first = self.first(features).unflatten(1, (self.count, -1))
        if len(self.rest[0]) == 0:  # type: ignore[arg-type]
            return first
        return torch.stack([expert(first[:, e]) for e, expert in enumerate(self.rest)], dim=1)


class Gate(nn.Linear):
    """Softmax of a linear layer: (B, inputs) to (B, choices), positive, summing to 1."""

    def forward(self, features: Tensor) -> Tensor:
        """Shares (B, choices)."""
        return super().forward(features).softmax(dim=1)


def mix(shares: Tensor, outputs: Tensor) -> Tensor:
    """Sum (B, W) of ``outputs`` (B, E, W) weighted by ``shares`` (B, E)."""
    return (shares.unsqueeze(1) @ outputs).squeeze(1)
