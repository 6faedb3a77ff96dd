"""Random loss weighting: what every other method has to beat."""

import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._seen import softmax


class RLW(api.Weighting):
    r"""The weights are drawn at random in every step.

    B. Lin et al., "Reasonable effectiveness of random weighting: a litmus test for multi-task learning", TMLR 2022,
    https://openreview.net/forum?id=jjtFD8A1Wx:

    .. math:: w = \mathrm{softmax}(\xi), \qquad \xi_k \sim N(0, 1)

    The weights sum to 1, as in the paper. Their mean is 1/K, where that of ``constant`` is 1; a common factor of the
    loss makes no difference to Adam. The softmax is over the tasks that have an observed label in the batch. The
    paper's other distributions are left out.

    It reads nothing. It claims that random weights are a test which other methods have to pass.
    """

    name, label = "rlw", "RLW"

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of sum 1, from torch's global generator, which is seeded anew in each step.

        They are positive for the tasks seen in the batch, and 0 for the others.
        """
        return softmax(torch.randn(step.losses.shape[1], device=step.losses.device), step.seen)
