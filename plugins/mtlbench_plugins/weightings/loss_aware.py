"""Weights that grow with the loss of the sample: RMTL without a critic."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from mtlbench import api


class LossAware(api.Weighting):
    r"""The control of ``rmtl`` without a critic: each sample is weighted by its present loss.

    .. math:: \omega_{k,i} = 1 + \lambda \, \mathrm{BCE}_{k,i} \quad \text{(BCE detached)}

    With gamma = 0 the ideal critic of RMTL (Liu et al., WWW 2023, https://arxiv.org/abs/2302.03328) predicts the
    negative expected BCE of a sample. The weight is then 1 + lambda E[BCE]: hard samples count more. This method does
    that without any critic. What ``rmtl`` gains over it is what the critics are worth. The paper does not make this
    comparison.

    It reads the loss of each sample. It claims nothing: it is a control. It equals ``constant[restart=true]`` with
    lambda = 0.

    It follows the schedule of RMTL: it continues from the checkpoint of the constant cell and trains under these
    weights.
    """

    name, label = "loss-aware", "Loss-Aware"
    per_sample = True

    class Params(api.Params):
        """Parameters of ``loss-aware``."""

        lambda_: Annotated[float, api.search.Linear(0, 2)] = Field(
            0.7, ge=0, alias="lambda", description="lambda, strength of the up-weighting, >= 0"
        )

    params: Params

    def warm_start(self) -> api.Source:
        """The plain constant cell."""
        return api.Source("constant")

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), at least 1."""
        return 1 + self.params.lambda_ * step.losses.detach()
