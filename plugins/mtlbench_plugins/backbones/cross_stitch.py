"""Cross-stitch networks: one network per task, whose layers exchange what they computed."""

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import FieldEmbedding, Hidden, Tower, mix


class CrossStitch(api.Backbone):
    r"""Each task has its own bottom, and after each layer a learnt matrix mixes the activations of all bottoms.

    I. Misra, A. Shrivastava, A. Gupta, M. Hebert, "Cross-stitch networks for multi-task learning", CVPR 2016,
    https://arxiv.org/abs/1604.03539. The bottoms read one shared embedding. After layer l, with x_k the activations of
    task k's bottom and S^l a learnt (K, K) matrix:

    .. math:: x_k \leftarrow \sum_j S^l_{kj} \, x_j, \qquad p_k = \sigma\big(t_k(x_k)\big)

    With S the identity these are K separate bottoms. With all entries of the last S equal, all towers read the same.
    S starts with ``own`` on its diagonal, and its other entries share the rest equally. So its rows sum to 1 at first,
    and the scale of the activations is kept; training may change that.

    A unit mixes whole layers, one number for each pair of tasks. Other code of this network differs: LibMTL begins with
    a matrix of ones, and MMLRec learns a matrix over all pairs of neurons.
    """

    name, label = "cross-stitch", "Cross-Stitch"

    class Params(api.Sizes):
        """Parameters of ``cross-stitch``."""

        own: float = Field(0.9, ge=0, le=1, description="diagonal of each S at the start, in [0, 1]")

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        tasks = len(schema.tasks)
        self.embedding = FieldEmbedding(schema, params.embedding)
        widths = [self.embedding.width, *params.bottom]
        self.layers = nn.ModuleList(
            nn.ModuleList(Hidden(a, b, params.dropout, params.norm) for _ in range(tasks))
            for a, b in zip(widths, params.bottom, strict=False)
        )
        start = torch.full((tasks, tasks), (1 - params.own) / (tasks - 1)).fill_diagonal_(params.own)
        self.stitches = nn.ParameterList(nn.Parameter(start.clone()) for _ in params.bottom)
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in range(tasks)
        )

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """There must be two networks to mix."""
        one = "Cross-Stitch mixes the networks of two or more tasks, and the dataset has one"
        return one if len(schema.tasks) == 1 else None

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding.factored(inputs, readers=self.layers[0])
        states = [embedded] * len(self.towers)
        for layer, stitch in zip(self.layers, self.stitches, strict=True):
            outputs = [hidden(state) for hidden, state in zip(layer, states, strict=True)]
            states = [mix(shares.expand(len(inputs), -1), outputs) for shares in stitch]
        return torch.cat([tower(state) for tower, state in zip(self.towers, states, strict=True)], dim=1)
