"""Random loss weighting: the litmus test of all others."""

import torch
from torch import Tensor

from mtlbench import api


class RLW(api.Weighting):
    r"""Weights drawn afresh in every step.

    B. Lin et al., "Reasonable effectiveness of random weighting: a litmus test for multi-task learning", TMLR 2022,
    https://openreview.net/forum?id=jjtFD8A1Wx:

    .. math:: w = \mathrm{softmax}(\xi), \qquad \xi_k \sim N(0, 1)

    The weights sum to 1, as in the paper, so that their mean is 1/K where that of ``constant`` is 1; to Adam a common
    factor of the loss makes no difference. The paper's other distributions are left out.
    """

    name, label = "rlw", "RLW"

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive, of sum 1, from torch's global generator, which has a seed of its own in each step."""
        return torch.randn(step.losses.shape[1], device=step.losses.device).softmax(0)
