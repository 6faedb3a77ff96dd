"""The optimiser of a backbone: Adam, as torch.optim.Adam computes it."""

import copy
from typing import Any

import torch
from torch import Tensor, nn


class BackboneOptimiser:
    """Adam over all parameters of a backbone.

    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, https://arxiv.org/abs/1412.6980,
    with beta = (0.9, 0.999) and eps = 1e-8.
    """

    def __init__(self, backbone: nn.Module, learning_rate: float, weight_decay: float) -> None:
        self._adam = torch.optim.Adam(backbone.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)

    def descend(self, loss: Tensor) -> None:
        """Take one step down the gradient of the scalar ``loss``."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """A copy of the optimiser's state, tensors included."""
        return copy.deepcopy(self._adam.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave; ``state`` is copied, for torch would go on to update it in place."""
        self._adam.load_state_dict(copy.deepcopy(state))
