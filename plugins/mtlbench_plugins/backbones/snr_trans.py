"""SNR-Trans: levels of sub-networks, whose connections are learnt and may close."""

import math
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import api
from mtlbench.nn import FieldEmbedding, Hidden, Tower
from mtlbench.nn.mlp import Norm

SHARPNESS, LOW, HIGH = 2 / 3, -0.1, 1.1
"""b, gamma and zeta of the hard concrete distribution, as in the paper of that distribution."""
OPEN = 2.0
"""log a at the start: z is 0.96 in evaluation, and 0 in 3 % of the draws."""


class SNRTrans(api.Backbone):
    r"""The bottom is cut into sub-networks, and each connection between two levels has a gate that can be 0.

    J. Ma, Z. Zhao, J. Chen, A. Li, L. Hong, E. Chi, "SNR: sub-network routing for flexible parameter sharing in
    multi-task learning", AAAI 2019, https://doi.org/10.1609/aaai.v33i01.3301216. With u_j the sub-networks of a level,
    the input of sub-network i of the next level, or of the tower of task i, is

    .. math:: x_i = \sum_j z_{ij} W_{ij} u_j, \qquad
              z_{ij} = \min\big(1, \max(0,\ s_{ij} (\zeta - \gamma) + \gamma)\big)

    .. math:: s_{ij} = \sigma\Big(\frac{\log v - \log(1 - v) + \log a_{ij}}{b}\Big), \quad v \sim U(0, 1), \qquad
              L_0 = \sum_{ij} P(z_{ij} > 0) = \sum_{ij} \sigma\Big(\log a_{ij} - b \log \frac{-\gamma}{\zeta}\Big)

    with W_ij square matrices. z is hard concrete (C. Louizos, M. Welling, D. Kingma, "Learning sparse neural networks
    through L0 regularization", ICLR 2018, https://arxiv.org/abs/1712.01312), with b = 2/3, gamma = -0.1, zeta = 1.1. In
    training v is drawn in each step for each connection; in evaluation s = sigma(log a). There is one level for each
    width of ``bottom``; its sub-networks are one layer of that width, and those of the first level read the embedding.

    lambda times L_0, divided by K like the task losses, is added to the loss; it closes connections. By default lambda
    is 0, so that all backbones are trained by the same loss. log a starts at 2, with nearly all connections open.

    Public code differs: MMLRec and nextrec train v like a parameter in place of drawing it, have one a for all
    connections, and no L_0.
    """

    name, label = "snr-trans", "SNR-Trans"

    class Params(api.Sizes):
        """Parameters of ``snr-trans``."""

        subnetworks: int = Field(4, ge=1, le=64, description="sub-networks of each level")
        lambda_: float = Field(0.0, ge=0, alias="lambda", description="weight of the expected number of open paths")
        drawn: bool = Field(True, description="whether z is drawn in training; else it is that of evaluation")

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        count, sizes = params.subnetworks, (params.dropout, params.norm)
        self.lambda_ = params.lambda_
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.first = nn.ModuleList(Hidden(self.embedding.width, params.bottom[0], *sizes) for _ in range(count))
        self.levels = nn.ModuleList(
            Level(count, before, width, params.drawn, *sizes) for before, width in pairwise(params.bottom)
        )
        self.routes = nn.ModuleList(Route(count, params.bottom[-1], params.drawn) for _ in schema.tasks)
        self.towers = nn.ModuleList(Tower(params.bottom[-1], params.tower, *sizes) for _ in schema.tasks)

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding.factored(inputs, readers=self.first)
        states = torch.cat([subnetwork(embedded) for subnetwork in self.first], dim=1)
        for level in self.levels:
            states = level(states)
        states = self.represent(states)
        return torch.cat([tower(route(states)) for route, tower in zip(self.routes, self.towers, strict=True)], dim=1)

    def penalty(self, step: api.Step) -> Tensor | None:
        """Lambda L_0 / K."""
        if self.lambda_ == 0:
            return None
        routes = [module for module in self.modules() if isinstance(module, Route)]
        return self.lambda_ * torch.stack([route.open() for route in routes]).sum() / len(self.towers)


class Level(nn.Module):
    """N sub-networks of one layer, each behind a route from all N of the level before: (B, N i) to (B, N w)."""

    def __init__(self, count: int, inputs: int, width: int, drawn: bool, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.routes = nn.ModuleList(Route(count, inputs, drawn) for _ in range(count))
        self.subnetworks = nn.ModuleList(Hidden(inputs, width, dropout, norm) for _ in range(count))

    def forward(self, states: Tensor) -> Tensor:
        """The outputs of all sub-networks, side by side."""
        return torch.cat([one(route(states)) for one, route in zip(self.subnetworks, self.routes, strict=True)], dim=1)


class Route(nn.Module):
    """The connections of a sub-network or tower with the N sub-networks before it: (B, N w) to (B, w)."""

    def __init__(self, count: int, width: int, drawn: bool) -> None:
        super().__init__()
        self.drawn = drawn
        bound = math.sqrt(3 / (count * width))  # with open gates the sum is as large as what it reads
        self.transformations = nn.Parameter(torch.empty(count, width, width).uniform_(-bound, bound))
        self.log_a = nn.Parameter(torch.full((count,), OPEN))

    def forward(self, states: Tensor) -> Tensor:
        """The sum of z_j W_j u_j."""
        gated = self.transformations * self.gates()[:, None, None]
        return F.linear(states, gated.transpose(0, 1).flatten(1))

    def gates(self) -> Tensor:
        """z (N,)."""
        sampled = self.training and self.drawn
        score = (torch.rand_like(self.log_a).logit() + self.log_a) / SHARPNESS if sampled else self.log_a
        return (score.sigmoid() * (HIGH - LOW) + LOW).clamp(0, 1)

    def open(self) -> Tensor:
        """The expected number of gates above 0."""
        return (self.log_a - SHARPNESS * math.log(-LOW / HIGH)).sigmoid().sum()
