"""Tasks without an observed label in a batch: they take no part in the step.

The tasks that are seen get the weights that the method gives them where there are no others. So the gradient of the
step, (1/K) sum_k w_k g_k, is that of the seen tasks alone times their share of all tasks, for every method: as under
constant weights, a batch that lacks a task makes a shorter step. What a method keeps for a task that is not seen, such
as a running mean, stays as it was. Its own weight multiplies nothing; it is finite, and 0 unless it is kept.

With all tasks seen, each of these functions gives the bits of the plain computation.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, array


def weights_by_gram(step: api.Step, solve: Callable[[Array], Array]) -> Tensor:
    """Weights (K,) that ``solve`` finds from the inner products of the gradients of the seen tasks, 0 for the others.

    A method whose weights do not change where a gradient of zero is added has no need of this.
    """
    gram, seen = array(step.gram), step.seen.cpu().numpy()
    if seen.all():
        return torch.from_numpy(solve(gram)).to(step.losses)
    weights = torch.zeros(len(gram), dtype=torch.float64)
    if seen.any():
        weights[torch.from_numpy(seen)] = torch.from_numpy(solve(gram[seen][:, seen]))
    return weights.to(step.losses)


def softmax(values: Tensor, seen: Tensor) -> Tensor:
    """Softmax of ``values`` (K,) over the tasks that are ``seen`` (K,), of sum 1; 0 for the others."""
    return torch.where(seen, torch.where(seen, values, -torch.inf).softmax(0), 0.0)
