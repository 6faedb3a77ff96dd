"""Template Backbone: put your network in the place of this one, its docstring first."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, FieldEmbedding, Tower


class TemplateBackbone(api.Backbone):
    r"""A shared bottom; each task looks at its features through a mask of its own, which depends on them.

    S. Liu, E. Johns and A. J. Davison, "End-to-end multi-task learning with attention", CVPR 2019,
    https://arxiv.org/abs/1803.10704. With f the shared bottom and :math:`\odot` the product number by number:

    .. math:: p_k = \sigma\Big(t_k\big(\sigma(A_k f(x) + a_k) \odot f(x)\big)\Big)

    The paper masks the features of every block of a convolutional network; here it is done once, before the towers.
    """

    name, label = "template-backbone", "Template Backbone"

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.bottom = MLP(self.embedding.width, params.bottom, params.dropout, params.norm)
        width = params.bottom[-1]
        self.masks = nn.ModuleList(nn.Linear(width, width) for _ in schema.tasks)
        self.towers = nn.ModuleList(Tower(width, params.tower, params.dropout, params.norm) for _ in schema.tasks)

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        features = self.represent(self.bottom(self.embedding(inputs)))
        masked = [mask(features).sigmoid() * features for mask in self.masks]
        return torch.cat([tower(own) for tower, own in zip(self.towers, masked, strict=True)], dim=1)
