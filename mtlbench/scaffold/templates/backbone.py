"""Template Backbone: put your network in the place of this one, its docstring first."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, FieldEmbedding, Tower

OWN = 0.9
"""Share of a task's own features in what its tower sees, at the start."""


class TemplateBackbone(api.Backbone):
    r"""A bottom per task; each tower sees a learnt mixture of the features of all of them.

    I. Misra, A. Shrivastava, A. Gupta and M. Hebert, "Cross-stitch networks for multi-task learning", CVPR 2016,
    https://arxiv.org/abs/1604.03539. With f_j the bottom of task j over one shared embedding:

    .. math:: p_k = \sigma\Big(t_k\big(\textstyle\sum_j \alpha_{kj} f_j(x)\big)\Big)

    The matrix alpha starts at 0.9 on its diagonal, the rest spread over the other tasks. The paper stitches after every
    block of layers; here it is done once, before the towers.
    """

    name, label = "template-backbone", "Template Backbone"

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        tasks = len(schema.tasks)
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.bottoms = nn.ModuleList(
            MLP(self.embedding.width, params.bottom, params.dropout, params.norm) for _ in schema.tasks
        )
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in schema.tasks
        )
        others = (1 - OWN) / max(tasks - 1, 1)
        self.stitch = nn.Parameter(torch.full((tasks, tasks), others) + (OWN - others) * torch.eye(tasks))

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding(inputs)
        features = torch.stack([bottom(embedded) for bottom in self.bottoms])
        mixed = torch.einsum("kj,jbd->kbd", self.stitch, features)
        return torch.cat([tower(own) for tower, own in zip(self.towers, mixed, strict=True)], dim=1)
