"""Constant weights that a weighting trains a part of its own under; unlike those of ``constant`` some may be 0."""

import torch
from torch import Tensor

from mtlbench import api


class FixedWeights(api.Weighting):
    """The same weights in every step.

    Args:
        weights: one for each task, in the dataset's order.
    """

    name, label = "fixed", "Fixed"

    def __init__(self, weights: tuple[float, ...]) -> None:
        super().__init__(api.NoParams())
        self._given = weights

    def setup(self, setting: api.Setting) -> None:
        """Put the weights on the device."""
        self._weights = torch.tensor(self._given, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,)."""
        return self._weights
