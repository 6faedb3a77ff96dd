"""Focal loss: samples that are predicted well count little."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mtlbench import api


class Focal(api.Weighting):
    r"""The cross-entropy of a sample is scaled down: the better its label is predicted, the more.

    T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017, https://arxiv.org/abs/1708.02002. With p_t the
    predicted probability of the label:

    .. math:: \mathrm{FL} = -(1 - p_t)^\gamma \log p_t, \qquad
              w = (1 - p_t)^\gamma \Big(1 - \gamma \, \frac{p_t \log p_t}{1 - p_t}\Big)

    The gradient of FL also passes through the factor (1 - p_t)^gamma. w is the ratio of the gradient of FL to that of
    the cross-entropy: d FL / dz = w * d BCE / dz for the logit z. So a step down the cross-entropy under these weights
    is exactly a step down the focal loss. w is larger than (1 - p_t)^gamma, the weight that would treat the factor as
    fixed.

    It reads the label and the predicted probability of each sample. It claims that hard samples are not outweighed by
    many easy ones. It equals ``constant`` with gamma = 0.

    The paper also balances the classes by a factor alpha. That is left out; ``ips`` does it. Probabilities that are
    predicted under a focal loss are not calibrated: logloss shows that, and AUC does not.
    """

    name, label = "focal", "Focal"
    per_sample = True
    task_kinds = frozenset({"binary"})

    class Params(api.Params):
        """Parameters of ``focal``."""

        gamma: Annotated[float, api.search.Linear(0, 5)] = Field(
            2.0, ge=0, le=20, description="gamma, how strongly sure samples are scaled down, >= 0"
        )

    params: Params

    @torch.no_grad()
    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), at least 0; at gamma 2 at most 1.23."""
        gamma = self.params.gamma
        signed = torch.where(step.labels > 0.5, step.logits, -step.logits)
        wrong = torch.sigmoid(-signed).clamp(min=torch.finfo(signed.dtype).tiny)
        modulation = torch.exp(-gamma * F.softplus(signed))  # (1 - p_t)^gamma
        return modulation * (1 + gamma * torch.sigmoid(signed) * step.losses / wrong)
