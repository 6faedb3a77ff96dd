"""The policy of the next state, where that is not the buffer."""

import copy

import torch
from torch import Tensor

from mtlbench.api import Backbone, Inputs

SPREAD, LIMIT = 0.4, 3e-3
"""Standard deviation and bound of the noise, of the code of RMTL's authors. Nearly every draw is at a bound."""


class TargetActor:
    """A copy of the backbone that acts in the next state, with the noise of the code of RMTL's authors.

    The backbone is frozen while critics learn. So the target network that would follow it is equal to it, and stays as
    it is. The noise is normal, cut to [-``LIMIT``, ``LIMIT``], one number per task and call; it comes from torch's
    global generator. An action with noise may leave [0, 1] by as much.

    Args:
        backbone: as it is now.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = copy.deepcopy(backbone).requires_grad_(False).eval()

    @torch.no_grad()
    def __call__(self, inputs: Inputs) -> Tensor:
        """Actions (B, K): the backbone's predictions without dropout, and noise."""
        action: Tensor = self._backbone(inputs).sigmoid()
        noise = SPREAD * torch.randn(action.shape[1], device=action.device)
        return action + noise.clamp(-LIMIT, LIMIT)
