"""One network per task: nothing is shared."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Bottom, Tower


class SingleTask(api.Backbone):
    r"""K separate networks, each with an embedding, bottom and tower of its own.

    .. math:: p_k = \sigma\big(t_k(b_k(e_k(x)))\big)

    It is the reference that multi-task learning has to beat (R. Caruana, "Multitask learning", Machine Learning 28,
    1997, https://doi.org/10.1023/A:1007379606734), and the base of Delta_m. No parameter is reached by two tasks, so
    the loss of one task has no gradient in the network of another.
    """

    name, label = "single-task", "Single Task"
    single_task = True

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        self.bottoms = nn.ModuleList(Bottom(schema, params) for _ in schema.tasks)
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        networks = zip(self.bottoms, self.towers, strict=True)
        return torch.cat([tower(bottom(inputs)) for bottom, tower in networks], dim=1)
