"""LDC-MTL: learnt factors bring the scaled losses of neighbouring tasks together."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._losses import log_losses, mean_losses


class LDCMTL(api.Weighting):
    r"""A weighted mean of the losses is minimised together with the differences of neighbouring scaled losses.

    P. Xiao et al., "LDC-MTL: balancing multi-task learning through scalable loss discrepancy control", arXiv 2025,
    https://arxiv.org/abs/2502.08585, as in the authors' code, https://github.com/OptMN-Lab/LDC-MTL. Each task has a
    factor sigma_k = sigmoid(omega_k), with omega_k = 1 at the start:

    .. math:: F = \frac{\sum_k \sigma_k L_k}{\sum_k \sigma_k} + \lambda \sum_{k < K} \lvert \sigma_k L_k -
              \sigma_{k+1} L_{k+1} \rvert

    The denominator is a constant in the gradient. With q_k the sign of the k-th difference, q_0 = q_K = 0, and
    D_k = q_k - q_{k-1}:

    .. math:: w_k = K \sigma_k \Big(\frac{1}{\sum_j \sigma_j} + \lambda D_k\Big), \qquad
              \frac{\partial F}{\partial \omega_k} = L_k \Big(\frac{1}{\sum_j \sigma_j} + \lambda D_k\Big) \,
              \sigma_k (1 - \sigma_k)

    With these weights the average over tasks gives the gradient of F exactly. omega is learnt in the same steps as the
    network, by Adam at the network's learning rate. A weight is negative where lambda D_k is below -1 / sum sigma: the
    task's loss is then raised, to bring it to those of its neighbours.

    With ``log_losses`` the logarithm of L_k, relative to its value in the first batch of the epoch that has an observed
    label of the task, takes the place of L_k, and the weights are divided by L_k. The authors do so where the losses
    have different scales. Neighbours are neighbours in the order of the dataset's tasks, among those that have an
    observed label in the batch; K is their number. The factors of the others wait.

    It reads the task losses. It claims that scaled losses of neighbouring tasks do not drift apart. It equals
    ``constant`` in its first step with lambda = 0.

    The default of lambda is that of the authors' code for CelebA.
    """

    name, label = "ldc-mtl", "LDC-MTL"
    repairs = frozenset({"scale"})
    equivariant = False

    class Params(api.Params):
        """Parameters of ``ldc-mtl``."""

        lambda_: Annotated[float, api.search.Log(1e-3, 1)] = Field(
            0.01, ge=0, alias="lambda", description="lambda, weight of the differences, >= 0"
        )
        log_losses: Annotated[bool, api.search.Choice(False, True)] = Field(
            False, description="take logarithms of the losses, relative to the first batch of the epoch"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start every omega at 1."""
        start = torch.ones(len(setting.tasks), dtype=torch.float64, device=setting.device)
        self._omega = TaskScalars(start, setting.learning_rate)
        self._first = torch.zeros_like(start)
        self._begun = torch.zeros_like(start, dtype=torch.bool)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), 0 for the tasks without an observed label in the batch; some may be negative."""
        log, seen = log_losses(step), step.seen
        if self.params.log_losses:
            self._first = torch.where(seen & ~self._begun, log, self._first)
            self._begun = self._begun | seen
        weights = seen.sum() * self._omega.values.sigmoid() * self._factor(step)
        if self.params.log_losses:
            weights = weights * (-log).exp()
        return torch.where(seen, weights, 0.0).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Move omega down its gradient, at the losses from which the network took its step."""
        sigma = self._omega.values.sigmoid()
        self._omega.descend(self._measured(step) * self._factor(step) * sigma * (1 - sigma), step.seen)

    def end_epoch(self, epoch: int) -> None:
        """The next batch is the first of an epoch."""
        self._begun = torch.zeros_like(self._begun)

    def _measured(self, step: api.Step) -> Tensor:
        """What the factors multiply (K,): losses, or their logarithms."""
        return log_losses(step) - self._first if self.params.log_losses else mean_losses(step)

    def _factor(self, step: api.Step) -> Tensor:
        """1 / sum sigma + lambda D (K,) of the tasks that are seen; D is 0 for the others."""
        seen, sigma = step.seen, self._omega.values.sigmoid()
        scaled = sigma * self._measured(step)
        known = scaled if step.mask is None else scaled[seen]
        signs = (known[:-1] - known[1:]).sign()
        differences = (F.pad(signs, (0, 1)) - F.pad(signs, (1, 0)))[: len(known)]
        if step.mask is not None:
            differences = torch.zeros_like(sigma).masked_scatter(seen, differences)
        return 1 / torch.where(seen, sigma, 0.0).sum() + self.params.lambda_ * differences

    def state_dict(self) -> dict[str, Tensor]:
        """The omega with Adam's moments of them, and with ``log_losses`` the first logarithms of the epoch."""
        return {"first": self._first.clone(), "begun": self._begun.clone(), **self._omega.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._first, self._begun = state["first"].clone(), state["begun"].clone()
        own = {"first", "begun"}
        self._omega.load_state_dict({name: value for name, value in state.items() if name not in own})
