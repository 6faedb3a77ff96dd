"""Running mean and variance of K numbers, one for each task."""

from collections.abc import Mapping

import torch
from torch import Tensor


class RunningMoments:
    r"""Mean and variance of each task's numbers, float64, both 0 at the start.

    With x the new numbers and s their share:

    .. math:: \delta = x - m, \qquad m \leftarrow m + s \, \delta, \qquad v \leftarrow (1 - s) (v + s \, \delta^2)

    With s = 1 / n in step n the two are those of all numbers so far, with a constant s exponential ones. The variance
    is never negative, as the difference of two means would be by rounding.

    Args:
        tasks: K.
        device: of the numbers.
    """

    def __init__(self, tasks: int, device: torch.device) -> None:
        self.mean = torch.zeros(tasks, dtype=torch.float64, device=device)
        """(K,)."""
        self.variance = torch.zeros_like(self.mean)
        """(K,)."""

    def add(self, values: Tensor, share: Tensor) -> None:
        """Take in ``values`` (K,) by ``share`` (K,); a share of 0 leaves the moments of a task as they were."""
        delta = torch.where(share > 0, values - self.mean, 0.0)
        self.mean = self.mean + share * delta
        self.variance = (1 - share) * (self.variance + share * delta.square())

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of both."""
        return {"mean": self.mean.clone(), "variance": self.variance.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.mean, self.variance = state["mean"].clone(), state["variance"].clone()
