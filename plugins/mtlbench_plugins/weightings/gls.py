"""Geometric loss strategy: the geometric mean of the task losses."""

from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import log_losses


class GLS(api.Weighting):
    r"""The geometric mean of the task losses is descended in place of their average.

    S. Chennupati et al., "MultiNet++: multi-stream feature aggregation and geometric loss strategy for multi-task
    learning", CVPR Workshops 2019, https://arxiv.org/abs/1904.08492:

    .. math:: L = \Big(\prod_k L_k\Big)^{1/K}, \qquad
              \nabla L = \frac{1}{K} \sum_k w_k \nabla L_k, \qquad
              w_k = \frac{1}{L_k} \Big(\prod_j L_j\Big)^{1/K}

    Under the average over tasks these weights give the gradient of L exactly: w_k / K is the derivative of L by L_k.
    Tasks of small loss weigh more, equal losses weigh 1, and the product of the weights is 1. A loss below 1e-8
    counts as 1e-8: the geometric mean has no derivative at 0.
    """

    name, label = "gls", "GLS"

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive, of product 1."""
        log = log_losses(step.losses)
        return (log.mean() - log).exp().to(step.losses)
