"""Weights that grow with the sample's own loss: RMTL without a critic."""

from pydantic import Field
from torch import Tensor

from mtlbench import api


class LossAware(api.Weighting):
    r"""The critic-free control of ``rmtl``: each sample is weighted by its present loss.

    .. math:: \omega_{k,i} = 1 + \lambda \, \mathrm{BCE}_{k,i} \quad \text{(BCE detached)}

    With gamma = 0 the ideal critic of RMTL (Liu et al., WWW 2023, https://arxiv.org/abs/2302.03328) predicts the
    negative expected BCE of a sample, so its weight is 1 + lambda E[BCE]: plain up-weighting of hard examples. This
    method does that without any critic. What ``rmtl`` gains over it is what the critics are worth; the paper does
    not make this comparison.

    It runs on RMTL's schedule: the constant cell's checkpoint is trained on under these weights.
    """

    name, label = "loss-aware", "Loss-Aware"

    class Params(api.Params):
        """Parameters of ``loss-aware``."""

        lambda_: float = Field(0.7, ge=0, alias="lambda", description="lambda, strength of the up-weighting, >= 0")

    params: Params

    def warm_start(self) -> api.Source:
        """The plain constant cell."""
        return api.Source("constant")

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), at least 1."""
        return 1 + self.params.lambda_ * step.losses.detach()
