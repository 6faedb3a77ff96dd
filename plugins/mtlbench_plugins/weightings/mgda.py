"""MGDA: the point of least norm in the convex hull of the task gradients."""

from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array
from mtlbench_plugins.solvers.quadratic import least_norm_point
from mtlbench_plugins.weightings._seen import weights_by_gram
from mtlbench_plugins.weightings._smooth import Smoothed


class MGDA(Smoothed):
    r"""The shortest weighted average of the task gradients: a step along it helps every task, unless no direction does.

    J.-A. Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization" (volume 350),
    Comptes Rendus Mathématique 2012, https://doi.org/10.1016/j.crma.2012.03.014; for networks O. Sener, V. Koltun,
    "Multi-task learning as multi-objective optimization", NeurIPS 2018, https://arxiv.org/abs/1810.04650:

    .. math:: d = \sum_k \alpha_k g_k, \qquad
              \alpha = \arg\min_{\alpha \ge 0,\, \sum \alpha = 1} \Big\lVert \sum_k \alpha_k g_k \Big\rVert^2

    g_k . d >= \|d\|^2 for every task, with equality where alpha_k > 0. The weights are w_k = K alpha_k, so that the
    average over tasks is the paper's d. For two tasks alpha_1 = clip((g_2 - g_1) . g_2 / \|g_1 - g_2\|^2, 0, 1).

    It reads the inner products of the task gradients. It claims that every task gains in each step, unless no direction
    serves all. It equals ``pe-ltr`` with c = 0.

    Deviations: the minimum is exact, where the NeurIPS paper takes Frank-Wolfe steps. The code of that paper also
    normalises the gradients in several ways, and its upper bound uses those of the shared representation. Here the
    gradients are used as they are. So the task with the smallest gradient weighs most, and a task without gradient
    stops the shared parameters, unless the batch has no observed label of it: then it is left out.
    """

    name, label = "mgda", "MGDA"
    needs = frozenset({"gram"})

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), non-negative, of mean 1 over the tasks seen in the batch; 0 for the others."""
        return weights_by_gram(step, _shortest)


def _shortest(gram: Array) -> Array:
    weights: Array = len(gram) * least_norm_point(gram)
    return weights
