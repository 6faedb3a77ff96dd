"""One bottom for all tasks."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Bottom, Tower


class SharedBottom(api.Backbone):
    r"""One embedding and bottom shared by all tasks, one tower per task.

    R. Caruana, "Multitask learning", Machine Learning 28, 1997, https://doi.org/10.1023/A:1007379606734.

    .. math:: p_k = \sigma\big(t_k(b(e(x)))\big)
    """

    name, label = "shared-bottom", "Shared Bottom"

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        self.bottom = Bottom(schema, params)
        self.towers = nn.ModuleList(
            Tower(self.bottom.width, params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        features = self.represent(self.bottom(inputs))
        return torch.cat([tower(features) for tower in self.towers], dim=1)
