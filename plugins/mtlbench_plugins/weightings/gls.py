"""Geometric loss strategy: the geometric mean of the task losses."""

import torch
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import masked_mean
from mtlbench_plugins.weightings._losses import log_losses


class GLS(api.Weighting):
    r"""The geometric mean of the task losses is minimised in place of their average.

    S. Chennupati et al., "MultiNet++: multi-stream feature aggregation and geometric loss strategy for multi-task
    learning", CVPR Workshops 2019, https://arxiv.org/abs/1904.08492:

    .. math:: L = \Big(\prod_k L_k\Big)^{1/K}, \qquad
              \nabla L = \frac{1}{K} \sum_k w_k \nabla L_k, \qquad
              w_k = \frac{1}{L_k} \Big(\prod_j L_j\Big)^{1/K}

    With these weights the average over tasks gives the gradient of L exactly: w_k / K is the derivative of L by L_k.
    Tasks with a small loss weigh more. Equal losses get weight 1, and the product of the weights is 1. A loss below
    1e-8 counts as 1e-8, because the geometric mean has no derivative at 0. The mean is over the tasks that have an
    observed label in the batch.

    It reads the task losses. It claims that the scale of a loss makes no difference. It equals the warm-up of ``stch``
    and of ``igb-v1``, up to a common factor.
    """

    name, label = "gls", "GLS"
    repairs = frozenset({"scale"})

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive and of product 1 over the tasks seen in the batch; 0 for the others."""
        log = log_losses(step)
        weights = (masked_mean(log, step.seen) - log).exp()
        return torch.where(step.seen, weights, 0.0).to(step.losses)
