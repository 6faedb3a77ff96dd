"""ESCM2: ESMM whose conversion tower is also trained by an unbiased risk over clicked rows."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import api
from mtlbench.nn import MLP, Tower
from mtlbench_plugins.backbones.esmm import ESMM, funnel_logits
from mtlbench_plugins.propensities import inverse_propensity


class ESCM2(ESMM):
    r"""ESMM with a counterfactual risk of the conversion rate, as if all rows had been clicked.

    H. Wang et al., "ESCM2: entire space counterfactual multi-task model for post-click conversion rate estimation",
    SIGIR 2022, https://arxiv.org/abs/2204.05125. The network is that of ``esmm``: p_1 = o^ = pCTR and p_2 = o^ r^, with
    r^ = pCVR. With o the click, r the conversion and delta the cross-entropy of r^ with r:

    .. math:: L = L_{\mathrm{ctr}} + L_{\mathrm{ctcvr}} + \lambda R, \qquad
              R_{\mathrm{IPS}} = \mathrm{mean}\Big(\frac{o\,\delta}{\hat o}\Big)

    .. math:: R_{\mathrm{DR}} = \mathrm{mean}\Big(\hat\delta + \frac{o\,(\delta - \hat\delta)}{\hat o}\Big)
              + \mathrm{mean}\Big(\frac{o\,(\delta - \hat\delta)^2}{\hat o}\Big)

    R_IPS is unbiased for the mean of delta over all rows if o^ is the probability of a click. With ``estimator=dr`` a
    third bottom and tower, of a softplus output, gives delta^; then R is unbiased if o^ or delta^ is right. The last
    term trains delta^. Within R, o^ has no gradient and counts as at least 1 / ``clip``, which bounds the weight of a
    row and is biased where it acts.

    Like the task losses, R is divided by K = 2, and its mean is over the rows whose labels are both observed. It
    belongs to the loss of the network and not to a weighting, so that it goes with every weighting. With lambda 0 this
    is ``esmm``.

    Public code differs. PaddleRec's has both estimators and the bound of 15. For R_IPS it first multiplies o^ by the
    clicks of the batch, so that few weights reach the bound. Its delta^ is a probability, and its bottom is a mixture
    of experts.
    """

    name, label = "escm2", "ESCM2"
    replayable = False

    class Params(api.Sizes):
        """Parameters of ``escm2``."""

        estimator: Literal["ips", "dr"] = Field("ips", description="R: by inverse propensity, or doubly robust")
        lambda_: Annotated[float, api.search.Log(0.01, 3)] = Field(
            0.1, ge=0, alias="lambda", description="weight of R; 0 is esmm"
        )
        clip: Annotated[float, api.search.Choice(5.0, 15.0, 50.0)] = Field(
            15.0, ge=1, description="largest weight 1 / o^ of a row in R"
        )

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__(schema, params)
        self.lambda_, self.clip = params.lambda_, params.clip
        self.imputation = None
        if params.estimator == "dr" and params.lambda_ > 0:
            self.imputation = nn.Sequential(
                MLP(self.embedding.width, params.bottom, params.dropout, params.norm),
                Tower(params.bottom[-1], params.tower, params.dropout, params.norm),
            )
        self._kept: tuple[Tensor, Tensor | None] | None = None

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """It needs a click and a conversion of all rows."""
        count = {1: "one"}.get(len(schema.tasks), str(len(schema.tasks)))
        other = f"ESCM2 needs a funnel of two tasks, such as click and conversion, and the dataset has {count}"
        return super().applicable(schema) if len(schema.tasks) == 2 else other

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, 2) of o^ and o^ r^."""
        if self.lambda_ == 0:
            return super().forward(inputs)
        extra = [] if self.imputation is None else [self.imputation]
        embedded = self.represent(self.embedding.factored(inputs, readers=(*self.branches, *extra)))
        conditional = torch.cat([branch(embedded) for branch in self.branches], dim=1)
        if self.training:
            imputed = None if self.imputation is None else F.softplus(self.imputation(embedded).float()).squeeze(1)
            self._kept = conditional.float(), imputed
        return funnel_logits(conditional)

    def penalty(self, step: api.Step) -> Tensor | None:
        """Lambda R / K of the rows of the last pass."""
        if self._kept is None:
            return None
        (conditional, imputed), self._kept = self._kept, None
        clicks, conversions = torch.where(step.observed, step.labels, 0.0).unbind(1)
        error = F.binary_cross_entropy_with_logits(conditional[:, 1], conversions, reduction="none")
        weights = clicks * inverse_propensity(conditional[:, 0].sigmoid(), self.clip)
        rows = risk(error, weights, imputed).unsqueeze(1)
        observed = None if step.mask is None else step.mask.all(1, keepdim=True)
        return self.lambda_ * api.masked_mean(rows, observed, step.sample_weights).sum() / step.labels.shape[1]


def risk(error: Tensor, weights: Tensor, imputed: Tensor | None = None) -> Tensor:
    """What each row adds to R, (B,).

    Args:
        error: delta (B,).
        weights: o / o^ (B,).
        imputed: delta^ (B,), for the doubly robust one.
    """
    if imputed is None:
        return weights * error
    return imputed + weights * (error - imputed) + weights * (error - imputed).square()
