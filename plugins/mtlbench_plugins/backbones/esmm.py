"""ESMM: conversion is learnt from all impressions, not from clicks alone."""

from itertools import accumulate

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, FieldEmbedding, Tower


class ESMM(api.Backbone):
    r"""Each stage of the funnel is predicted as the product of the conditional probabilities up to it.

    X. Ma et al., "Entire space multi-task model: an effective approach for estimating post-click conversion rate",
    SIGIR 2018, https://arxiv.org/abs/1804.07931:

    .. math:: p_1 = \mathrm{pCTR} = \sigma(c_1), \qquad p_2 = \mathrm{pCTCVR} = \sigma(c_1)\,\sigma(c_2)

    with c_k the output of task k's bottom and tower over one shared embedding. pCVR = sigma(c_2) has no label of its
    own and is learnt through the product alone. So both tasks share the first tower. For more stages the product goes
    on, p_k = p_{k-1} sigma(c_k); this is our extension.

    The output is the logit of p_k. Since 1/p = 1 + e^{-logit}, the logit of a product has a closed form without
    cancellation, which is finite wherever its inputs are:

    .. math:: \mathrm{logit}(\sigma(a)\,\sigma(b)) = -\log(e^{-a} + e^{-b} + e^{-(a+b)})
    """

    name, label = "esmm", "ESMM"
    task_kinds = frozenset({"binary"})

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
        """A product of conditional probabilities needs tasks in a chain, of any length from two, all of all rows."""
        if len(schema.tasks) == 1:
            return "ESMM needs a funnel of two or more tasks, and the dataset has one"
        parallel = f"{cls.label} multiplies probabilities along a funnel, and the dataset's tasks are parallel"
        return None if schema.chain else parallel

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K) of the products; p_1 >= p_2 >= ..."""
        embedded = self.represent(self.embedding.factored(inputs, readers=self.branches))
        return funnel_logits(torch.cat([branch(embedded) for branch in self.branches], dim=1))


def funnel_logits(conditional: Tensor) -> Tensor:
    """Logits (B, K) of the cumulative products of the sigmoids of ``conditional`` (B, K); they never rise with k."""
    return torch.stack(list(accumulate(conditional.unbind(1), logit_of_product)), dim=1)


def logit_of_product(a: Tensor, b: Tensor) -> Tensor:
    """The logit of sigma(a) sigma(b), at most min(a, b)."""
    return -torch.logaddexp(torch.logaddexp(-a, -b), -(a + b))
