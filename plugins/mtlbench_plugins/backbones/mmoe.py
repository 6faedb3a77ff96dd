"""MMoE: a mixture of experts with a gate for each task."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Experts, FieldEmbedding, Gate, Tower, mixtures


class MMoE(api.Backbone):
    r"""Experts that all tasks share, mixed by a gate for each task.

    J. Ma et al., "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts", KDD 2018,
    https://doi.org/10.1145/3219819.3220007:

    .. math:: p_k = \sigma\Big(t_k\big(\textstyle\sum_e g_{k,e}(x) f_e(x)\big)\Big), \qquad
              g_k(x) = \mathrm{softmax}(W_k e(x) + b_k)

    If all gates are equal, this is ``omoe``.
    """

    name, label = "mmoe", "MMoE"
    Params = api.ExpertSizes

    def __init__(self, schema: api.Schema, params: api.ExpertSizes) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.experts = Experts(params.experts, self.embedding.width, params.bottom, params.dropout, params.norm)
        self.gates = nn.ModuleList(Gate(self.embedding.width, params.experts) for _ in schema.tasks)
        self.towers = nn.ModuleList(
            Tower(self.experts.width, params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding.factored(inputs, readers=(*self.experts, *self.gates))
        outputs = [self.represent(output) for output in self.experts(embedded)]
        embedded = self.represent(embedded)  # as the gates read it
        mixed = mixtures([gate(embedded) for gate in self.gates], outputs)
        return torch.cat([tower(features) for tower, features in zip(self.towers, mixed, strict=True)], dim=1)
