"""AdaTT: each task fuses the experts of all tasks, beside a direct path from its own."""

import math
from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import api
from mtlbench.nn import Experts, FieldEmbedding, Gate, Tower, mixtures
from mtlbench.nn.mlp import Norm


class AdaTT(api.Backbone):
    r"""Levels of experts of each task and shared ones; a gate fuses all of them, and a residual adds a task's own.

    D. Li et al., "AdaTT: adaptive task-to-task fusion network for multitask learning in recommendations", KDD 2023,
    https://arxiv.org/abs/2304.04959. Each task is a unit, and so is the shared branch. On each level, with x_u the
    input of unit u (on the first level the embedding) and E_u its N_u experts:

    .. math:: x_u' = v_u \cdot E_u(x_u) + g_u(x_u) \cdot [\,E_1(x_1), \dots, E_K(x_K),\ E_s(x_s)\,], \qquad
              g_u(x) = \mathrm{softmax}(W_u x + b_u), \qquad p_k = \sigma\big(t_k(x_k)\big)

    v_u are learnt numbers, one for each expert of the unit, uniform in +-1/sqrt(N_u) at first; where every unit has
    one expert they are fixed to 1. There is one level for each width of ``bottom``; its experts are one layer of that
    width. The last level has no shared output. ``shared=0`` is the variant that the authors' code calls AdaTT-sp.
    Without the residual, and with one level, this would be ``mmoe`` whose experts are those of all units.

    The authors' code has one expert per unit by default; here it is two, so that a gate sees six for two tasks.
    """

    name, label = "adatt", "AdaTT"

    class Params(api.Sizes):
        """Parameters of ``adatt``."""

        specific: int = Field(2, ge=1, le=64, description="experts of each task on each level")
        shared: int = Field(2, ge=0, le=64, description="shared experts on each level; 0: AdaTT-sp")

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        widths = [self.embedding.width, *params.bottom]
        experts = [params.specific] * len(schema.tasks) + [params.shared] * (params.shared > 0)
        self.units, last = len(experts), len(params.bottom) - 1
        self.levels = nn.ModuleList(
            Level(experts, len(schema.tasks) if level == last else len(experts), a, b, params.dropout, params.norm)
            for level, (a, b) in enumerate(zip(widths, params.bottom, strict=False))
        )
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.represent(self.embedding.factored(inputs, readers=self.levels[:1]))
        states = [embedded] * self.units
        for level in self.levels:
            states = level(states)
        return torch.cat([tower(state) for tower, state in zip(self.towers, states, strict=True)], dim=1)


class Level(nn.Module):
    """One level: units of experts of one layer, fused for the first ``outputs`` of them.

    Args:
        experts: how many each unit has.
        outputs: units that have an output, and so a gate and a residual; on the last level those of the tasks.
        inputs: width of the input of an expert.
        width: of its output.
        dropout: after its layer.
        norm: in its layer.
    """

    def __init__(self, experts: list[int], outputs: int, inputs: int, width: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.units = nn.ModuleList(Experts(count, inputs, (width,), dropout, norm) for count in experts)
        self.gates = nn.ModuleList(Gate(inputs, sum(experts)) for _ in range(outputs))
        learnt = any(count > 1 for count in experts)
        self.residuals = nn.ParameterList(_residual(count) for count in experts[:outputs]) if learnt else None

    def forward(self, states: Sequence[Tensor]) -> Sequence[Tensor]:
        """Outputs (B, width), one for each gate, from inputs (B, inputs), one for each unit."""
        groups = [unit(state) for unit, state in zip(self.units, states, strict=True)]
        everything = [output for group in groups for output in group]
        shares, before = [], 0
        for number, (gate, group) in enumerate(zip(self.gates, groups, strict=False)):
            own = group[0].new_ones(1) if self.residuals is None else self.residuals[number]
            after = len(everything) - before - len(group)
            shares.append(gate(states[number]) + F.pad(own, (before, after)))
            before += len(group)
        return mixtures(shares, everything)


def _residual(count: int) -> nn.Parameter:
    bound = 1 / math.sqrt(count)
    return nn.Parameter(torch.empty(count).uniform_(-bound, bound))
