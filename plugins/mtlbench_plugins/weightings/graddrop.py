"""GradDrop: for each number of the gradient, one sign is kept."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api


class GradDrop(api.DirectionWeighting):
    r"""For each coordinate of the gradient one sign is drawn, and tasks with the other sign are left out there.

    Z. Chen et al., "Just pick a sign: optimizing deep multitask models with gradient sign dropout", NeurIPS 2020,
    https://arxiv.org/abs/2010.06808. For each coordinate of the gradient, with U uniform on [0, 1]:

    .. math:: P = \frac{1}{2} \Big(1 + \frac{\sum_k g_k}{\sum_k |g_k|}\Big), \qquad
              m_k = [g_k > 0][P > U] + [g_k < 0][P < U], \qquad
              d = \frac{1}{K} \sum_k \big(\ell + (1 - \ell) \, m_k\big) \, g_k

    The sign that is kept is positive with probability P, the share of the positive parts. Where all tasks have the same
    sign, d is the plain average.

    It reads the gradients of the tasks. It claims that all tasks agree on the sign of each number of the step. It
    equals ``constant`` with a leak of 1.

    Deviations: the paper masks the gradient of the last shared activation, summed over the batch after it is multiplied
    by the sign of the activation. Here the gradients of all shared parameters are masked, as in LibMTL and TorchJD. The
    paper sums over tasks; here they are averaged, as for every method.
    """

    name, label = "graddrop", "GradDrop"
    repairs = frozenset({"conflict"})

    class Params(api.GradientParams):
        """Parameters of ``graddrop``."""

        leak: Annotated[float, api.search.Linear(0, 0.9)] = Field(
            0.0, ge=0, le=1, description="l, share of a gradient that passes the mask, in [0, 1]"
        )

    params: Params

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The masked average; U comes from torch's global generator."""
        return {name: self._masked(torch.stack(gradients)) for name, gradients in step.jacobian.items()}

    def _masked(self, gradients: Tensor) -> Tensor:
        purity = (1 + gradients.sum(0) / gradients.abs().sum(0)) / 2  # NaN where all are 0; the mask is then 0
        drawn = torch.rand_like(purity)
        kept = torch.where(gradients > 0, purity > drawn, purity < drawn)
        return (gradients * kept).mean(0).lerp(gradients.mean(0), self.params.leak)
