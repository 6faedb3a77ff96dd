"""PCGrad: what conflicts with another task's gradient is projected away."""

import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._smooth import Smoothed


class PCGrad(Smoothed):
    r"""Each task's gradient loses the part that conflicts with the gradient of another task.

    T. Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020, https://arxiv.org/abs/2001.06782. For each
    task i, start from g_i and go through the other tasks j in random order:

    .. math:: g_i \leftarrow g_i - \frac{\min(0,\, g_i \cdot g_j)}{\lVert g_j \rVert^2} \, g_j, \qquad
              d = \frac{1}{K} \sum_i g_i

    The projected gradients are combinations of the original ones, so inner products are enough: the weight of task k is
    the sum over i of the coefficient of g_k in g_i. For two tasks, weight i is 1 - min(0, g_1 . g_2) / |g_i|^2, and d
    conflicts with neither task.

    It reads the inner products of the task gradients. It claims that no task's gradient works against that of another.
    It equals ``constant`` where no two tasks conflict.

    Deviation: the paper sums the projected gradients; here they are averaged over tasks, as for every method.
    """

    name, label = "pcgrad", "PCGrad"
    repairs = frozenset({"conflict"})
    needs = frozenset({"gram"})

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1; the random orders come from torch's global generator."""
        gram = step.gram.cpu()
        products, rows = gram.tolist(), gram.unbind()
        coefficients = torch.eye(len(gram), dtype=gram.dtype)
        for i, projected in enumerate(coefficients.unbind()):
            numbers, is_projected = projected.numpy(), False
            for j in torch.randperm(len(gram)).tolist():
                if j != i:
                    conflict = torch.dot(projected, rows[j]).item() if is_projected else products[j][i]
                    if conflict < 0 and products[j][j] > 0:  # a square can be 0 by underflow
                        numbers[j] -= conflict / products[j][j]
                        is_projected = True
        return coefficients.sum(0).to(step.losses)
