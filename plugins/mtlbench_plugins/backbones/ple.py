"""PLE: shared experts and experts of each task, level by level."""

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Experts, FieldEmbedding, Gate, Tower, mix
from mtlbench.nn.mlp import Norm


class PLE(api.Backbone):
    r"""Progressive layered extraction: levels of shared and task experts behind gates; the last level feeds the towers.

    H. Tang et al., "Progressive layered extraction (PLE): a novel multi-task learning model for personalized
    recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236. On each level, with x_k the input of task k
    and x_s that of the shared branch (on the first level all are the embedding):

    .. math:: x_k' = g_k(x_k) \cdot [\,F_k(x_k),\ F_s(x_s)\,], \qquad
              x_s' = g_s(x_s) \cdot [\,F_1(x_1), \dots, F_K(x_K),\ F_s(x_s)\,]

    where g are softmax gates and F are groups of experts. There is one level for each width of ``bottom``; its experts
    are one layer of that width. ``experts`` is the number that the gate of a task sees, half of them shared and half
    its own (paper: 8 = 4 + 4).

    Each expert is evaluated once per level, and the last level has no shared branch, so every parameter is trained.
    Older public code evaluates the shared experts again on each task's input, and keeps a last shared gate whose output
    is never read. The paper does not describe that.
    """

    name, label = "ple", "PLE"

    class Params(api.ExpertSizes):
        """Parameters of ``ple``."""

        experts: int = Field(
            4, ge=2, le=256, multiple_of=2, description="experts that a task's gate mixes: half shared, half its own"
        )

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        tasks = len(schema.tasks)
        self.embedding = FieldEmbedding(schema, params.embedding)
        inputs = [self.embedding.width, *params.bottom[:-1]]
        last = len(inputs) - 1
        self.levels = nn.ModuleList(
            Level(tasks, params.experts // 2, a, b, params.dropout, params.norm, shared=level < last)
            for level, (a, b) in enumerate(zip(inputs, params.bottom, strict=True))
        )
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.represent(self.embedding.factored(inputs, readers=self.levels[:1]))
        own, shared = [embedded] * len(self.towers), embedded
        for level in self.levels:
            own, shared = level(own, shared)
        return torch.cat([tower(features) for tower, features in zip(self.towers, own, strict=True)], dim=1)


class Level(nn.Module):
    """One level of customised gate control: ``each`` shared experts and ``each`` experts per task, one layer each."""

    def __init__(
        self, tasks: int, each: int, inputs: int, width: int, dropout: float, norm: Norm, shared: bool
    ) -> None:
        super().__init__()
        self.own = nn.ModuleList(Experts(each, inputs, (width,), dropout, norm) for _ in range(tasks))
        self.shared = Experts(each, inputs, (width,), dropout, norm)
        self.gates = nn.ModuleList(Gate(inputs, 2 * each) for _ in range(tasks))
        self.shared_gate = Gate(inputs, (tasks + 1) * each) if shared else None

    def forward(self, own: list[Tensor], shared: Tensor) -> tuple[list[Tensor], Tensor]:
        """Inputs and outputs: one (B, ·) per task, and one of the shared branch (unchanged on the last level)."""
        common = self.shared(shared)
        outputs = [experts(features) for experts, features in zip(self.own, own, strict=True)]
        mixed = [
            mix(gate(features), [*output, *common])
            for gate, features, output in zip(self.gates, own, outputs, strict=True)
        ]
        if self.shared_gate is None:
            return mixed, shared
        everything = [output for group in (*outputs, common) for output in group]
        return mixed, mix(self.shared_gate(shared), everything)
