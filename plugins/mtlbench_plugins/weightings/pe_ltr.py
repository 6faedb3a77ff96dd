"""PE-LTR: MGDA with a minimum weight for each task."""

from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array
from mtlbench_plugins.solvers.quadratic import least_norm_point
from mtlbench_plugins.weightings._each import wrong_number
from mtlbench_plugins.weightings._seen import weights_by_gram
from mtlbench_plugins.weightings._smooth import Smoothed

Bound = Annotated[float, Field(ge=0, le=1)]


class PELTR(Smoothed):
    r"""The shortest weighted average of the task gradients in which every task keeps a minimum weight.

    X. Lin et al., "A Pareto-efficient algorithm for multiple objective optimization in e-commerce recommendation",
    RecSys 2019, https://doi.org/10.1145/3298689.3346998:

    .. math:: d = \sum_k \alpha_k g_k, \qquad
              \alpha = \arg\min_{\alpha_k \ge c_k,\, \sum \alpha = 1} \Big\lVert \sum_k \alpha_k g_k \Big\rVert^2

    The weights are w_k = K alpha_k, so that the average over tasks is the paper's d.

    It reads the inner products of the task gradients. It claims that every task keeps a minimum weight on the way to a
    Pareto-efficient point. It equals ``mgda`` with c = 0, and ``constant`` with weights K c_k where the c_k sum to 1.

    Deviations: the minimum is exact. The paper drops alpha >= c, solves linear equations, and projects the result. It
    sets the c_k by hand and compares several values; the default here gives each task at least half of its equal share.
    """

    name, label = "pe-ltr", "PE-LTR"
    needs = frozenset({"gram"})

    class Params(Smoothed.Params):
        """Parameters of ``pe-ltr``."""

        bounds: Annotated[
            tuple[Bound, ...],
            api.search.Mapped(api.search.Linear(0, 1), lambda x, tasks: (x / tasks,), "x / K for every task"),
        ] = Field(
            (), description="c, least weight of each task, of sum at most 1; one for all or one each; empty: 1/(2K)"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There is no bound, one for all tasks or one for each, and together they leave room for weights of sum 1."""
        if fault := wrong_number(self.params.bounds, "bounds", schema, one_for_all=True):
            return fault
        tasks = len(schema.tasks)
        total = sum(self._bounds(tasks))
        if total > 1 + 1e-9:
            return (
                f"the least weights of {tasks} tasks sum to {total:g}; weights of sum 1 cannot keep them, so lower them"
            )
        return None

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), each at least K c_k, of sum K, with K the tasks seen in the batch; 0 for the others."""
        return weights_by_gram(step, lambda gram: _bounded(gram, self._bounds(len(gram), step.seen)))

    def _bounds(self, tasks: int, seen: Tensor | None = None) -> Array:
        """c of as many ``tasks``: those that are ``seen``, where each has a bound of its own."""
        bounds = np.array(self.params.bounds or 0.5 / tasks, dtype=np.float64)
        if seen is not None and bounds.size == len(seen) > tasks:
            bounds = bounds[seen.cpu().numpy()]
        return np.broadcast_to(bounds, tasks)


def _bounded(gram: Array, bounds: Array) -> Array:
    """Weights (K,) of sum K, at least K times ``bounds`` (K,)."""
    free = max(0.0, 1 - bounds.sum())
    # alpha = c + free * a, a on the simplex: sum_k alpha_k g_k is the average by a of the points g_c + free * g_k.
    points = free * np.eye(len(gram)) + bounds
    weights: Array = len(gram) * (bounds + free * least_norm_point(points @ gram @ points.T))
    return weights
