"""Shares of the tasks, which a weighting learns on the simplex: numbers that are not negative, of sum 1."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, array


def nearest_shares(values: Array) -> Array:
    """The point of the simplex that is nearest to ``values`` (K,).

    All values are lowered by one number, and those that would be negative are 0. W. Wang, M. Á. Carreira-Perpiñán,
    "Projection onto the probability simplex", arXiv 2013, https://arxiv.org/abs/1309.1541.
    """
    values = values - values.max()  # the same point, also of values beside which 1 is nothing
    largest = np.sort(values)[::-1]
    lowered = (largest.cumsum() - 1) / np.arange(1, len(values) + 1)
    shares: Array = (values - lowered[np.flatnonzero(largest > lowered)[-1]]).clip(min=0)
    return shares


class Shares:
    """K shares, equal at the start; float64, on the CPU.

    Args:
        tasks: K.
    """

    def __init__(self, tasks: int) -> None:
        self.values = torch.full((tasks,), 1 / tasks, dtype=torch.float64)

    def move(self, known: Tensor, gram: Tensor, moved: Callable[[Array, Array], Array]) -> None:
        """Move the shares of the tasks that are ``known`` (K,); those of the others wait, and so does their sum.

        Args:
            known: bool.
            gram: (K, K) inner products.
            moved: from shares of sum 1 and the inner products, both of the known tasks, to new shares of sum 1.
        """
        known = known.cpu()
        kept = self.values[known].sum()
        if kept > 0:
            of_known = array(self.values[known] / kept)
            found = moved(of_known, array(gram)[np.ix_(known.numpy(), known.numpy())])
            self.values[known] = kept * torch.from_numpy(found)

    def weights(self, seen: Tensor) -> Tensor:
        """Weights (K,) in the ratio of the shares, of mean 1 over the tasks ``seen`` (K,), and 0 for the others."""
        here = seen.cpu()
        shares = torch.where(here, self.values, 0.0)
        total = shares.sum()
        return (here.sum() * shares / total if total > 0 else here.double()).to(seen.device)

    def state_dict(self) -> dict[str, Tensor]:
        """A copy of the shares."""
        return {"shares": self.values.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self.values = state["shares"].clone()


class LearntShares(api.Weighting):
    """Base of a method that learns shares of the tasks from the gradients of independent samples."""

    needs = frozenset({"cross gram"})

    def setup(self, setting: api.Setting) -> None:
        """Start with even shares."""
        self._shares = Shares(len(setting.tasks))

    def state_dict(self) -> dict[str, Tensor]:
        """The shares."""
        return self._shares.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._shares.load_state_dict(state)
