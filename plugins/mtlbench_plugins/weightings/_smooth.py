"""Weights that are averaged over the steps: the parameter ``smooth`` of methods that solve for them in each step."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from mtlbench import api


class Smoothed(api.Weighting):
    r"""Base of a method that gives the weights of a step by :meth:`solve`, and may take a running mean of them.

    S. Zhou et al., "On the convergence of stochastic multi-objective gradient manipulation and beyond", NeurIPS 2022
    (CR-MOGM), whatever the method that gives the weights :math:`\hat w_t` of step t:

    .. math:: w_t = \alpha \, w_{t-1} + (1 - \alpha) \, \hat w_t, \qquad w_1 = \hat w_1

    alpha is the parameter ``smooth``, the same in every step. With 0 the method is itself, with 1 the weights of the
    first step stay. The mean of a task waits while a batch has no label of it.
    """

    class Params(api.GradientParams):
        """Parameters of a method without others."""

        smooth: float = api.added_later(
            0.0, ge=0, le=1, description="alpha of CR-MOGM, share of the past in the weights, in [0, 1]; 0: none"
        )

    params: Params

    @abstractmethod
    def solve(self, step: api.Step) -> Tensor:
        """The weights (K,) of this step alone."""

    def setup(self, setting: api.Setting) -> None:
        """Start without a past."""
        self._mean = torch.full((len(setting.tasks),), torch.nan, dtype=torch.float64, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """The weights (K,) of :meth:`solve`, or their running mean."""
        weights = self.solve(step)
        if self.params.smooth == 0:
            return weights
        new = weights.double()
        mean = torch.where(self._mean.isnan(), new, new.lerp(self._mean, self.params.smooth))
        self._mean = torch.where(step.seen, mean, self._mean)
        return torch.where(step.seen, mean.to(weights), weights)

    def state_dict(self) -> dict[str, Tensor]:
        """The running mean (K,), where there is one."""
        return {} if self.params.smooth == 0 else {"smoothed": self._mean.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take it back."""
        if self.params.smooth > 0:
            self._mean = state["smoothed"].clone()
