"""PCGrad: what conflicts with another task's gradient is projected away."""

import torch
from torch import Tensor

from mtlbench import api


class PCGrad(api.Weighting):
    r"""Each task's gradient loses its component against every other task's that it conflicts with.

    T. Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020, https://arxiv.org/abs/2001.06782. For each
    task i, starting from g_i and going through the other tasks j in random order:

    .. math:: g_i \leftarrow g_i - \frac{\min(0,\, g_i \cdot g_j)}{\lVert g_j \rVert^2} \, g_j, \qquad
              d = \frac{1}{K} \sum_i g_i

    The projected gradients are combinations of the original ones, so the coefficients are found from their inner
    products alone: the weight of task k is the sum over i of g_k's coefficient in g_i. Where no two tasks conflict the
    weights are ones. For two tasks, weight i is 1 - min(0, g_1 . g_2) / |g_i|^2, and d conflicts with neither.

    The paper sums the projected gradients; here, as for every method, they are averaged over tasks.
    """

    name, label = "pcgrad", "PCGrad"
    needs = frozenset({"gram"})

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1; the orders come from torch's global generator."""
        gram = step.gram.cpu()
        coefficients = torch.eye(len(gram), dtype=gram.dtype)
        for i, projected in enumerate(coefficients):
            for j in torch.randperm(len(gram)).tolist():
                conflict = projected @ gram[j]
                if j != i and conflict < 0:
                    projected[j] -= conflict / gram[j, j]
        return coefficients.sum(0).to(step.losses)
