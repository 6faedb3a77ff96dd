"""Cross-stitch networks: one network per task, whose layers exchange what they computed."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import FieldEmbedding, Hidden, Tower, mixtures
from mtlbench.nn.mlp import Norm


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
            StitchedLayer(tasks, params.own, a, b, params.dropout, params.norm) for a, b in pairwise(widths)
        )
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
        embedded = self.represent(self.embedding.factored(inputs, readers=self.layers[:1]))
        states = [embedded] * len(self.towers)
        for layer in self.layers:
            states = layer(states)
        return torch.cat([tower(state) for tower, state in zip(self.towers, states, strict=True)], dim=1)


class StitchedLayer(nn.Module):
    """A hidden layer of each task and the unit behind them: K inputs (B, inputs) to K outputs (B, width)."""

    def __init__(self, tasks: int, own: float, inputs: int, width: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(Hidden(inputs, width, dropout, norm) for _ in range(tasks))
        others = (1 - own) / (tasks - 1)
        matrix = torch.full((tasks, tasks), others).fill_diagonal_(own)
        # One parameter each: behind the last layer a row is of its task alone.
        self.rows = nn.ParameterList(nn.Parameter(row.clone()) for row in matrix)

    def forward(self, states: Sequence[Tensor]) -> Sequence[Tensor]:
        """For each task the sum of all outputs by its row of the matrix."""
        outputs = [hidden(state) for hidden, state in zip(self.hidden, states, strict=True)]
        return mixtures([row.expand(len(outputs[0]), -1) for row in self.rows], outputs)
