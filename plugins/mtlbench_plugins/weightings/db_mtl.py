"""DB-MTL: losses balanced by logarithm, gradients by norm."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api

FLOOR = 1e-8
"""A smaller task loss counts as this where its logarithm is differentiated. The authors add this number instead."""


class DBMTL(api.DirectionWeighting):
    r"""The gradients of the logarithms of the losses are averaged over steps and scaled to one norm.

    B. Lin et al., "Dual-balancing for multi-task learning", arXiv 2023, https://arxiv.org/abs/2308.12029. g^ starts
    at 0:

    .. math:: \hat g_k \leftarrow \beta \hat g_k + (1 - \beta) \, \nabla \log L_k, \qquad
              \nabla \log L_k = g_k / L_k, \qquad
              d = \frac{1}{K} \sum_k \frac{\max_j \lVert \hat g_j \rVert}{\lVert \hat g_k \rVert} \, \hat g_k

    The norms are taken over all shared parameters. The direction contains gradients of past steps, so the recorded
    weights are the effective ones: those of the weighted sum of this step's gradients that comes nearest to d.

    It reads the gradients and the losses of the tasks. It keeps a running mean of every gradient of every task, for
    each row of each embedding table, which takes memory of K times the shared parameters. It claims that losses of any
    scale, and gradients of any norm, count the same.

    Deviations: the paper sums over tasks; here they are averaged, as for every method. The paper takes the logarithm
    for the tasks' own parameters too; here those follow the loss itself. That makes little difference, because Adam
    does not depend on the scale of a gradient. A task whose running mean is 0 adds nothing. Nor does a task that the
    batch has no observed label of: its running mean waits.

    It has no option ``at``: its state is of each shared parameter, and a representation has other rows in each step.
    """

    name, label = "db-mtl", "DB-MTL"
    repairs = frozenset({"scale"})
    needs = frozenset({"jacobian", "parameters"})

    class Params(api.Params):
        """Parameters of ``db-mtl``."""

        beta: Annotated[float, api.search.Choice(0.0, 0.5, 0.9, 0.99)] = Field(
            0.9, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without running means."""
        self._means: dict[str, Tensor] = {}

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The average of the running means, each scaled to the norm of the longest."""
        losses, seen = step.task_losses.detach().clamp(min=FLOOR).tolist(), step.seen
        for name, gradients in step.jacobian.items():
            if name not in self._means:
                self._means[name] = gradients[0].new_zeros(len(gradients), *gradients[0].shape)
            for mean, gradient, loss, known in zip(self._means[name], gradients, losses, seen.tolist(), strict=True):
                if known:
                    mean.lerp_(gradient / loss, 1 - self.params.beta)
        norms = torch.stack([mean.flatten(1).norm(dim=1) for mean in self._means.values()]).norm(dim=0)
        norms = torch.where(seen, norms, 0.0)
        factors = torch.where(norms > 0, norms.max() / norms, 0.0) / len(losses)
        return {name: torch.tensordot(factors, mean, 1) for name, mean in self._means.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The running means, by name of the parameter, each (K, ...)."""
        return {name: mean.clone() for name, mean in self._means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._means = {name: mean.clone() for name, mean in state.items()}
