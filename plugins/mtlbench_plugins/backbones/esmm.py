"""ESMM: conversion learnt over the entire space of impressions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import api
from mtlbench.nn import MLP, FieldEmbedding, Tower


class ESMM(api.Backbone):
    r"""Each stage of the funnel is predicted as the product of the conditional probabilities up to it.

    X. Ma et al., "Entire space multi-task model: an effective approach for estimating post-click conversion rate",
    SIGIR 2018, https://arxiv.org/abs/1804.07931:

    .. math:: p_1 = \mathrm{pCTR} = \sigma(c_1), \qquad p_2 = \mathrm{pCTCVR} = \sigma(c_1)\,\sigma(c_2)

    with c_k the output of task k's bottom and tower over one shared embedding. pCVR = sigma(c_2) has no label of its
    own and is learnt through the product alone. The first tower is thus shared by both tasks. For more stages the
    product goes on, p_k = p_{k-1} sigma(c_k), which is our extension.

    The output is the logit of p_k, computed without ever forming p_k or 1 - p_k:
    log p_k is the sum of log sigma(c_j), and log(1 - p_k) is the logsumexp over j of log p_{j-1} + log sigma(-c_j), the
    chance that the funnel ends just before stage j.
    """

    name, label = "esmm", "ESMM"

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.branches = nn.ModuleList(
            nn.Sequential(
                MLP(self.embedding.width, params.bottom, params.dropout, params.norm),
                Tower(params.bottom[-1], params.tower, params.dropout, params.norm),
            )
            for _ in schema.tasks
        )

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """A product of conditional probabilities needs a funnel."""
        if schema.relation != "funnel":
            return "ESMM multiplies probabilities along a funnel, and the dataset's tasks are parallel"
        return None if len(schema.tasks) > 1 else "ESMM needs a funnel of two or more tasks, and the dataset has one"

    def forward(self, categorical: Tensor, numerical: Tensor) -> Tensor:
        """Logits (B, K) of the products; p_1 >= p_2 >= ..."""
        embedded = self.embedding(categorical, numerical)
        return funnel_logits(torch.cat([branch(embedded) for branch in self.branches], dim=1))


def funnel_logits(conditional: Tensor) -> Tensor:
    """Logits (B, K) of the cumulative products of the sigmoids of ``conditional`` (B, K)."""
    log_reached = F.logsigmoid(conditional).cumsum(1)
    before = torch.cat([torch.zeros_like(log_reached[:, :1]), log_reached[:, :-1]], dim=1)
    log_not_reached = torch.logcumsumexp(before + F.logsigmoid(-conditional), dim=1)
    return log_reached - log_not_reached
