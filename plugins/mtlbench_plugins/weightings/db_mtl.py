"""DB-MTL: losses balanced by logarithm, gradients by norm."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api

FLOOR = 1e-8
"""A task loss below this counts as this where its logarithm is differentiated; the authors add it."""


class DBMTL(api.DirectionWeighting):
    r"""Gradients of the logarithms of the losses, averaged over steps and brought to one norm.

    B. Lin et al., "Dual-balancing for multi-task learning", 2023, https://arxiv.org/abs/2308.12029. With g^ 0 at the
    start:

    .. math:: \hat g_k \leftarrow \beta \hat g_k + (1 - \beta) \, \nabla \log L_k, \qquad
              \nabla \log L_k = g_k / L_k, \qquad
              d = \frac{1}{K} \sum_k \frac{\max_j \lVert \hat g_j \rVert}{\lVert \hat g_k \rVert} \, \hat g_k

    The norms are those over all shared parameters. The direction holds a mean of past gradients, so its recorded
    weights are the effective ones. A running mean of every gradient of every task is kept, for each row of each
    embedding table: memory of K times the shared parameters.

    Deviations: the paper sums over tasks, here, as for every method, they are averaged. It takes the logarithm for the
    tasks' own parameters too; here those follow the loss itself, which Adam, being indifferent to a gradient's scale,
    hardly tells apart. A task whose mean is 0 counts for nothing.
    """

    name, label = "db-mtl", "DB-MTL"
    needs = frozenset({"jacobian", "parameters"})

    class Params(api.Params):
        """Parameters of ``db-mtl``."""

        beta: float = Field(0.9, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)")

    params: Params

    def setup(self, trainer: api.Trainer) -> None:
        """Start without a past."""
        self._means: dict[str, Tensor] = {}

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The average of the running means at the norm of the longest."""
        losses = step.losses.detach().mean(0).clamp(min=FLOOR).tolist()
        for name, gradients in step.jacobian.items():
            if name not in self._means:
                self._means[name] = gradients[0].new_zeros(len(gradients), *gradients[0].shape)
            for mean, gradient, loss in zip(self._means[name], gradients, losses, strict=True):
                mean.lerp_(gradient / loss, 1 - self.params.beta)
        norms = torch.stack([mean.flatten(1).norm(dim=1) for mean in self._means.values()]).norm(dim=0)
        factors = torch.where(norms > 0, norms.max() / norms, 0.0) / len(losses)
        return {name: torch.tensordot(factors, mean, 1) for name, mean in self._means.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The running means, by name of the parameter, each (K, ...)."""
        return {name: mean.clone() for name, mean in self._means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._means = {name: mean.clone() for name, mean in state.items()}
