"""OMoE: a mixture of experts with one gate for all tasks."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Experts, FieldEmbedding, Gate, Tower, mix


class OMoE(api.Backbone):
    r"""Experts mixed by one gate that all tasks share.

    The one-gate variant in J. Ma et al., "Modeling task relationships in multi-task learning with multi-gate
    mixture-of-experts", KDD 2018, https://doi.org/10.1145/3219819.3220007:

    .. math:: p_k = \sigma\Big(t_k\big(\textstyle\sum_e g_e(x) f_e(x)\big)\Big), \qquad
              g(x) = \mathrm{softmax}(W e(x) + b)

    With one expert it is ``shared-bottom``.
    """

    name, label = "omoe", "OMoE"
    Params = api.ExpertSizes

    def __init__(self, schema: api.Schema, params: api.ExpertSizes) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.experts = Experts(params.experts, self.embedding.width, params.bottom, params.dropout, params.norm)
        self.gate = Gate(self.embedding.width, params.experts)
        self.towers = nn.ModuleList(
            Tower(self.experts.width, params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding.factored(inputs, readers=(*self.experts, self.gate))
        features = self.represent(mix(self.gate(embedded), self.experts(embedded)))
        return torch.cat([tower(features) for tower in self.towers], dim=1)
