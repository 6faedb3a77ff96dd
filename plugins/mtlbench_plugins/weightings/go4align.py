"""GO4Align: tasks whose losses are alike form a group, and a group has one weight."""

from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, array
from mtlbench_plugins.weightings._losses import log_losses
from mtlbench_plugins.weightings._seen import softmax

FEWEST = 4


class GO4Align(api.Weighting):
    r"""Each task has a weight of about the inverse of its loss, and the tasks of a group share the mean of theirs.

    J. Shen et al., "GO4Align: group optimization for multi-task alignment", NeurIPS 2024,
    https://arxiv.org/abs/2404.06486, as in the authors' code, https://github.com/autumn9999/GO4Align. p is even at the
    start, and in each step:

    .. math:: p_k \leftarrow \frac{p_k \, e^{-\eta L_k}}{\sum_j p_j \, e^{-\eta L_j}}, \qquad
              a_k = p_k \, \frac{\sum_j L_j}{L_k}, \qquad
              w_k = \frac{1}{|G(k)|} \sum_{j \in G(k)} a_j

    G are the groups of K-means on the K numbers a: those with the least sum of squared differences within groups. With
    one group all weights are equal, as under ``constant``; with as many groups as tasks, and eta near 0, they are in
    the ratio of 1 / L_k, as under ``gls``. So there must be four tasks or more, and fewer groups than tasks.

    It reads the task losses.
    It claims that tasks of a group progress alike.
    It equals ``constant`` up to a factor with one group.

    A task without an observed label in the batch is in no group: its weight is 0, its p waits, and K is the number of
    the others. A loss below 1e-8 counts as 1e-8.

    Deviations: the authors' code has one group by default; here there are two, because one group weighs nothing. Their
    K-means starts at random; here its best groups are found exactly, from all ways to cut the sorted numbers. The
    paper has the mean of the losses in place of their sum. The authors sum the weighted losses; here they are averaged,
    as for every method.
    """

    name, label = "go4align", "GO4Align"

    class Params(api.Params):
        """Parameters of ``go4align``."""

        groups: Annotated[int, api.search.Choice(2, 3)] = Field(2, ge=1, description="number of groups")
        step_size: Annotated[float, api.search.Log(1e-5, 1e-1)] = Field(
            1e-4, ge=0, description="eta, how fast a task with a large loss loses weight"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There must be four tasks or more, and fewer groups than tasks."""
        tasks = len(schema.tasks)
        if tasks < FEWEST:
            return f"GO4Align groups tasks, which needs four or more; the log has {tasks}"
        if self.params.groups >= tasks:
            return f"GO4Align with {self.params.groups} groups needs more tasks than groups; the log has {tasks}"
        return None

    def setup(self, setting: api.Setting) -> None:
        """Start with even p."""
        self._logits = torch.zeros(len(setting.tasks), dtype=torch.float64, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), the same within a group; 0 for the tasks without an observed label in the batch."""
        seen, log = step.seen, log_losses(step)
        self._logits = torch.where(seen, self._logits - self.params.step_size * log.exp(), self._logits)
        # The product of p and sum L / L as one exponential: neither overflows by itself.
        total = torch.where(seen, log, -torch.inf).logsumexp(0)
        alone = torch.where(seen, softmax(self._logits, seen) * (total - log).exp(), 0.0)
        weights = torch.zeros_like(alone)
        if seen.any():
            grouped = grouped_means(array(alone[seen]), self.params.groups)
            weights[seen] = torch.from_numpy(grouped).to(weights)
        return weights.to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """The logarithms of p, up to a constant."""
        return {"logits": self._logits.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._logits = state["logits"].clone()


def grouped_means(values: Array, groups: int) -> Array:
    """Each of ``values`` (K,) replaced by the mean of its group: of at most ``groups``, those of exact K-means.

    In one dimension the best groups lie side by side in the sorted values. So all ways to cut them are compared.
    """
    if not np.isfinite(values).all():
        return values
    order = np.argsort(values, kind="stable")
    ranked, count = values[order], len(values)
    best, least = [0, count], np.inf
    for cuts in combinations(range(1, count), min(groups, count) - 1):
        edges = [0, *cuts, count]
        within = sum(float(((part - part.mean()) ** 2).sum()) for part in (ranked[i:j] for i, j in pairwise(edges)))
        if within < least:
            best, least = edges, within
    means = np.empty_like(values)
    for i, j in pairwise(best):
        means[order[i:j]] = ranked[i:j].mean()
    return means
