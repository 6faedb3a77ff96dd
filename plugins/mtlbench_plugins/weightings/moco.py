"""MoCo: MGDA by small steps, with running means of the task gradients."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array
from mtlbench_plugins.weightings._shares import Shares, nearest_shares

SHARES, STEPS, MEAN = "shares", "steps", "mean."


class MoCo(api.DirectionWeighting):
    r"""Running means of the task gradients are combined by weights that go to those of the shortest average.

    H. Fernando et al., "Mitigating gradient bias in multi-objective learning: a provably convergent approach", ICLR
    2023, https://arxiv.org/abs/2210.12624. In step t, with g_k the task gradients, Y the running means, one row per
    task and 0 at the start, and Pi the nearest point of the simplex:

    .. math:: y_k \leftarrow y_k - \frac{\beta}{t^\sigma} (y_k - g_k), \qquad
              \lambda \leftarrow \Pi \Big(\lambda - \frac{\gamma}{t^\sigma} \, (Y Y^\top + \rho I) \, \lambda\Big),
              \qquad d = Y^\top \lambda

    The inner products of the gradients of one batch contain its noise twice; those of the running means hardly do.
    lambda begins even. With beta = 1, sigma = 0 and a gradient that never changes, d goes to that of ``mgda``; with
    gamma = 0 it is the running mean of the average gradient. The direction contains gradients of past steps, so the
    recorded weights are the effective ones: those of the weighted sum of this step's gradients that comes nearest to d.

    It reads the gradients of the tasks.
    It claims that its direction goes to the shortest average of the expected gradients, without the bias of one batch.
    It equals ``mgda`` in the limit of many steps with the same gradients, with beta = 1, sigma = 0 and rho = 0.

    It keeps a running mean of every gradient of every task, for each row of each
    embedding table, which takes memory of K times the shared parameters.

    A task that the batch has no observed label of takes no part: its running mean and its lambda wait. The count t of
    steps is one for all tasks. The method depends on the scale of the losses: where gradients are ten times as large, a
    hundredth of gamma does the same.

    The defaults are those of LibMTL. The first author's code for a later paper,
    https://github.com/heshandevaka/Trade-Off-MOL, has the projection as it is here, constant rates (sigma = 0), and 0.1
    for beta, gamma and rho. LibMTL has a softmax in place of the projection, which keeps lambda nearly even, and first
    scales each gradient to the length of its loss.

    It has no option ``at``: its state is of each shared parameter, and a representation has other rows in each step.
    """

    name, label = "moco", "MoCo"
    needs = frozenset({"jacobian", "parameters"})

    class Params(api.Params):
        """Parameters of ``moco``."""

        beta: Annotated[float, api.search.Choice(0.1, 0.5, 1.0)] = Field(
            0.5, gt=0, le=1, description="beta, how much of a gradient its running mean takes in step 1, in (0, 1]"
        )
        gamma: Annotated[float, api.search.Log(1e-3, 10)] = Field(
            0.1, ge=0, description="gamma, step size of lambda in step 1"
        )
        sigma: Annotated[float, api.search.Choice(0.0, 0.5)] = Field(
            0.5, ge=0, le=1, description="sigma, by which power of the steps both rates fall, in [0, 1]"
        )
        rho: float = Field(0.0, ge=0, description="rho, pull of lambda to even weights")

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with even shares, and without running means."""
        self._steps = 0
        self._shares = Shares(len(setting.tasks))
        self._means: dict[str, Tensor] = {}

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The running means, combined by the shares."""
        jacobian, seen = step.jacobian, step.seen.tolist()
        self._steps += 1
        rate = self._steps**-self.params.sigma
        for name, gradients in jacobian.items():
            if name not in self._means:
                self._means[name] = gradients[0].new_zeros(len(gradients), *gradients[0].shape)
            for mean, gradient, known in zip(self._means[name], gradients, seen, strict=True):
                if known:
                    mean.lerp_(gradient, rate * self.params.beta)
        gram = api.SharedGradients({name: tuple(mean) for name, mean in self._means.items()}).gram

        def moved(shares: Array, gram: Array) -> Array:
            return nearest_shares(shares - rate * self.params.gamma * (gram @ shares + self.params.rho * shares))

        self._shares.move(step.seen, gram, moved)
        factors = self._shares.weights(step.seen) / len(seen)
        return {name: torch.tensordot(factors.to(mean), mean, 1) for name, mean in self._means.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The shares lambda, the number of steps, and by name of the parameter the running means (K, ...)."""
        state = {SHARES: self._shares.values.clone(), STEPS: torch.tensor(self._steps)}
        return state | {MEAN + name: mean.clone() for name, mean in self._means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._shares.load_state_dict({SHARES: state[SHARES]})
        self._steps = int(state[STEPS])
        self._means = {name.removeprefix(MEAN): mean.clone() for name, mean in state.items() if name.startswith(MEAN)}
