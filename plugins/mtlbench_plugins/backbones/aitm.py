"""AITM: each task passes information on to the next one along the funnel."""

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, FieldEmbedding, Hidden, Tower


class AITM(api.Backbone):
    r"""Each task attends to its own features and to what the previous task passes on.

    D. Xi et al., "Modeling the sequential dependence among audience multi-step conversions with multi-task learning in
    targeted display advertising", KDD 2021, https://arxiv.org/abs/2105.08489. With f_k task k's bottom over one shared
    embedding:

    .. math:: z_1 = f_1, \qquad z_k = \sum_{u \in \{g_k(z_{k-1}),\, f_k\}} w_u \, h_1(u), \qquad
              w = \mathrm{softmax}_u \frac{\langle h_2(u), h_3(u) \rangle}{\sqrt{d}}

    and p_k = sigma(t_k(z_k)). g is a hidden layer; h_1, h_2 and h_3 are linear. The order of the tasks is that of the
    funnel. Each transfer has its own h_1, h_2, h_3. MTReclib shares them between transfers; with two tasks there is one
    transfer, and this makes no difference.

    The paper also adds a behavioural expectation calibrator to the loss: alpha times the sum over tasks of max(p_k -
    p_{k-1}, 0), with alpha 0.6. Here it is the option ``calibrator``. It is off by default, so that all backbones are
    trained by the same loss. Like the task losses it is averaged over samples and divided by K.
    """

    name, label = "aitm", "AITM"
    task_kinds = frozenset({"binary"})

    class Params(api.Sizes):
        """Parameters of ``aitm``."""

        calibrator: float = Field(0.0, ge=0, description="alpha of the paper's calibrator (0.6 there); 0: none")

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        width = params.bottom[-1]
        self.calibrator = params.calibrator
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.bottoms = nn.ModuleList(
            MLP(self.embedding.width, params.bottom, params.dropout, params.norm) for _ in schema.tasks
        )
        self.transfers = nn.ModuleList(Transfer(width, params.dropout) for _ in schema.tasks[1:])
        self.towers = nn.ModuleList(Tower(width, params.tower, params.dropout, params.norm) for _ in schema.tasks)

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """The transfer needs tasks in a chain, of any length from two."""
        if len(schema.tasks) == 1:
            return "AITM needs a funnel of two or more tasks, and the dataset has one"
        return (
            None if schema.chain else "AITM transfers information along a funnel, and the dataset's tasks are parallel"
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.represent(self.embedding.factored(inputs, readers=self.bottoms))
        features = [bottom(embedded) for bottom in self.bottoms]
        states = features[:1]
        for transfer, own in zip(self.transfers, features[1:], strict=True):
            states.append(transfer(states[-1], own))
        return torch.cat([tower(state) for tower, state in zip(self.towers, states, strict=True)], dim=1)

    def penalty(self, step: api.Step) -> Tensor | None:
        """The calibrator: probabilities that rise along the funnel are penalised."""
        if self.calibrator == 0:
            return None
        rise = step.logits.sigmoid().diff(dim=1).relu()
        return self.calibrator * rise.sum(1).mean() / step.logits.shape[1]


class Transfer(nn.Module):
    """The adaptive transfer from one task to the next: (B, d) and (B, d) to (B, d)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.passed = Hidden(width, width, dropout, "none")
        self.value = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width)

    def forward(self, previous: Tensor, own: Tensor) -> Tensor:
        """State of a task from that of the previous task and its own features."""
        both = torch.stack([self.passed(previous), own], dim=1)
        scores = (self.key(both) * self.query(both)).sum(2) / math.sqrt(both.shape[2])
        # The shares sum to 1, so h_1 of the mixture is the mixture of h_1, at half the multiplications.
        mixture = (scores.softmax(dim=1).unsqueeze(2) * both).sum(1)
        state: Tensor = self.value(mixture)
        return state
