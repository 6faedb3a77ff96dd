"""PCD: the target task's gradient, changed as little as possible so that every other task improves."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines
from mtlbench_plugins.solvers.quadratic import quadratic_program
from mtlbench_plugins.weightings._seen import weights_by_gram
from mtlbench_plugins.weightings._smooth import Smoothed
from mtlbench_plugins.weightings._target import foreign_target, place_of

FEASIBLE = 1e-6
"""Part of its bound by which a constraint may be missed: float32 gradients have no more digits."""


class PCD(Smoothed):
    r"""The direction nearest to the target task's gradient by which every other task keeps a share of its own progress.

    D. Varam, M. AlHajri, "Not all objectives are born equal: priority-constrained descent for hierarchical
    multi-objective optimization", arXiv 2026, https://arxiv.org/abs/2606.29521, in the form that the library torchjd,
    https://torchjd.org, gives it. With * the target task, t the number of steps, and gradients h_k scaled to a norm
    near 1:

    .. math:: v_k \leftarrow \beta v_k + (1 - \beta) \lVert g_k \rVert^2, \qquad
              h_k = g_k \Big/ \sqrt{\frac{v_k}{1 - \beta^t} + \epsilon}, \qquad
              \tilde d = \arg\min_{v :\, h_j \cdot v \ge \tau \lVert h_j \rVert^2 \;\forall j \ne *}
              \lVert v - h_* \rVert, \qquad
              d = \frac{\lVert g_* \rVert}{\lVert \tilde d \rVert} \, \tilde d = \frac{1}{K} \sum_k w_k \, g_k

    The solution is h_* plus a combination of the other h_j with non-negative coefficients, which solve a quadratic
    program in the inner products. The step is always as long as the target's gradient. Rescaling another task's loss
    changes nothing, as far as epsilon is small.

    A task that already gains enough from the target's gradient gets weight 0: it does not shape the shared parameters,
    and only its own parameters follow its gradient. If all do, the weights are K for the target and 0 for the others.
    So it is where no direction serves all tasks. Where the target has no gradient, or no observed label in the batch,
    all weights are 0. K is the number of tasks that have an observed label in the batch; v_k of the others waits.

    It reads the inner products of the task gradients. It claims that every other task keeps a share of its own progress
    while the target task gives up as little as possible.

    The target is the last task by default, the deepest stage of a funnel; any other can be named. The defaults are
    torchjd's.
    """

    name, label = "pcd", "PCD"
    repairs = frozenset({"conflict"})
    needs = frozenset({"gram"})
    equivariant = False

    class Params(Smoothed.Params):
        """Parameters of ``pcd``."""

        tau: Annotated[float, api.search.Log(1e-3, 0.5)] = Field(
            0.02, ge=0, le=1, description="tau, share of its own progress that every other task keeps, in [0, 1]"
        )
        beta: Annotated[float, api.search.Choice(0.0, 0.9, 0.999)] = Field(
            0.999, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )
        epsilon: float = Field(1e-8, ge=0, description="epsilon, added to the running mean of the squared norm")
        target: str = Field("", description="name of the target task; empty: the last of the dataset's")

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """The target, if one is named, must be a task of the dataset."""
        return foreign_target(self.params.target, schema)

    def setup(self, setting: api.Setting) -> None:
        """Find the target task, and start without running means."""
        super().setup(setting)
        tasks = len(setting.tasks)
        self._target = place_of(self.params.target, setting.tasks)
        self._squares = torch.zeros(tasks, dtype=torch.float64)
        self._steps = torch.zeros(tasks, dtype=torch.int64)

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 0."""
        squares, seen = step.gram.diagonal().cpu(), step.seen.cpu()
        self._squares = torch.where(seen, squares.lerp(self._squares, self.params.beta), self._squares)
        self._steps += seen
        if not seen[self._target]:
            return torch.zeros(len(seen)).to(step.losses)
        means = (self._squares / (1 - self.params.beta**self._steps))[seen] + self.params.epsilon
        target = int(seen[: self._target].sum())
        return weights_by_gram(step, lambda gram: self._nearest(gram, means.sqrt().numpy(), target))

    def _nearest(self, gram: Array, scales: Array, target: int) -> Array:
        """Weights of tasks whose gradients have the inner products ``gram`` and are divided by ``scales``."""
        norms, cosines = norms_and_cosines(gram)
        weights = np.zeros(len(norms))
        others = np.flatnonzero((norms > 0) & (np.arange(len(norms)) != target))
        if norms[target] > 0:
            weights[target] = len(norms)
        if norms[target] == 0 or not len(others):
            return weights
        among, to_target = cosines[np.ix_(others, others)], cosines[others, target]
        lengths = norms[others] / scales[others] * scales[target] / norms[target]
        lacking = self.params.tau * lengths - to_target
        added = quadratic_program(among, lacking)
        missed = lacking - among @ added
        squared = 1 + 2 * added @ to_target + added @ among @ added
        if (missed > FEASIBLE * (1 + np.abs(lacking))).any() or not squared > 0:
            return weights
        weights[others] = len(norms) * added * norms[target] / norms[others]
        return weights / np.sqrt(squared)

    def state_dict(self) -> dict[str, Tensor]:
        """The running means of the squared norms (K,), and of how many steps (K,) they are."""
        return {**super().state_dict(), "squares": self._squares.clone(), "steps": self._steps.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        super().load_state_dict(state)
        self._squares, self._steps = state["squares"].clone(), state["steps"].clone()
