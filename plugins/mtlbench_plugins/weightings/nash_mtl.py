"""Nash-MTL: the tasks bargain for the direction of the shared parameters."""

import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.balance import balance
from mtlbench_plugins.solvers.gramian import array
from mtlbench_plugins.weightings._smooth import Smoothed


class NashMTL(Smoothed):
    r"""The Nash bargaining solution: the direction with the largest product of the tasks' gains.

    A. Navon et al., "Multi-task learning as a bargaining game", ICML 2022, https://arxiv.org/abs/2202.01017. With M the
    inner products of the task gradients:

    .. math:: d = \sum_k w_k g_k \propto \arg\max_{\lVert d \rVert \le 1} \sum_k \log(g_k \cdot d), \qquad
              M w = 1 / w

    The direction does not change when the loss of a task is scaled, and \|sum_k w_k g_k\|^2 = K in every step. For two
    tasks w_k = 1 / (\|g_k\| \sqrt{1 + \cos}). The weights are those of the paper, which sums over tasks; here the sum
    is divided by K. So the direction that is applied has length 1 / \sqrt{K}, however small the gradients have become.

    It reads the inner products of the task gradients. It claims that the product of the gains is the largest, whatever
    the scales of the losses. It equals ``fairgrad`` with alpha = 1, and ``imtl-g`` for two tasks, at another length.

    Deviations: M w = 1 / w is solved in every step to rounding error, as the stationary point of a strictly convex
    function. The authors' code takes up to 20 steps of a convex approximation with an external solver. It also clips
    the norm of d at 1, that is, divides d by \sqrt{K}. Where a combination of the gradients with non-negative
    coefficients is zero, there is no solution; the squared norms then count as larger by a share of 1e-8. A task
    without gradient has nothing to bargain for and gets weight 0.
    """

    name, label = "nash-mtl", "Nash-MTL"
    repairs = frozenset({"scale"})
    shown_on = frozenset({"kuairand-tuned", "over-logs"})
    needs = frozenset({"gram"})

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), positive, of the order of 1 / |g_k|."""
        return torch.from_numpy(balance(array(step.gram), power=1.0)).to(step.losses)
