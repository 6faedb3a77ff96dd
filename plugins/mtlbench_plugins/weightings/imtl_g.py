"""IMTL-G: a direction with the same projection on every task gradient."""

import numpy as np
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines
from mtlbench_plugins.weightings._seen import weights_by_gram
from mtlbench_plugins.weightings._smooth import Smoothed

INDISTINCT = 1e-7
"""An eigenvalue of the cosines below this share of the largest is rounding error of float32 gradients."""


class IMTLG(Smoothed):
    r"""The direction whose projection on each task gradient is the same, whatever the norms of the gradients.

    L. Liu et al., "Towards impartial multi-task learning", ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr. With
    u_k = g_k / \|g_k\| and C the cosines between the gradients:

    .. math:: d = \sum_k \alpha_k g_k, \qquad d \cdot u_1 = \dots = d \cdot u_K, \qquad \sum_k \alpha_k = 1, \qquad
              \alpha_k = \frac{\beta_k / \lVert g_k \rVert}{\sum_j \beta_j / \lVert g_j \rVert}, \qquad C \beta = 1

    The weights are w_k = K alpha_k, so that the average over tasks is the paper's d. With more than two tasks they can
    be negative. For two tasks, alpha = (\|g_2\|, \|g_1\|) / (\|g_1\| + \|g_2\|).

    It reads the inner products of the task gradients. It claims that no task pulls more than another, whatever the
    norms of the gradients. It equals ``nash-mtl`` for two tasks, at another length.

    Deviations: with more than two tasks an alpha of sum 1 can point against all gradients; its sign is then turned.
    Where gradients are linearly dependent, the smallest beta that fits best is taken. A task without gradient gets
    weight 0. The paper combines the method with IMTL-L for the tasks' own parameters; here they are two methods.
    """

    name, label = "imtl-g", "IMTL-G"
    repairs = frozenset({"scale"})
    needs = frozenset({"gram"})

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,) of sum K, or -K where the sign was turned, with K the tasks seen in the batch."""
        return weights_by_gram(step, _weights)


def _weights(gram: Array) -> Array:
    norms, cosines = norms_and_cosines(gram)
    weights = np.zeros(len(norms))
    present = norms > 0
    if present.any():
        beta = _impartial(cosines[present][:, present])
        share = beta * norms[present].min() / norms[present]
        weights[present] = len(norms) * share / abs(share.sum())
    return weights


def _impartial(cosines: Array) -> Array:
    if len(cosines) <= 2:
        return np.ones(len(cosines))
    return np.linalg.lstsq(cosines, np.ones(len(cosines)), rcond=INDISTINCT)[0]
