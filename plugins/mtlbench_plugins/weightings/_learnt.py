"""Numbers that a weighting learns, one for each task."""

from collections.abc import Mapping

import torch
from torch import Tensor

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Adam's running means of the gradient and of its square, as torch names them."""


def adam_step(adam: torch.optim.Adam, values: Tensor, gradient: Tensor, seen: Tensor) -> None:
    """Move ``values`` (K,), the only parameter of ``adam``, for the tasks that are ``seen``; no other entry changes."""
    kept = [values, *(adam.state[values][name] for name in MOMENTS if name in adam.state[values])]
    before = [entry.clone() for entry in kept]
    values.grad = gradient
    adam.step()
    kept = [values, *(adam.state[values][name] for name in MOMENTS)]
    before += [torch.zeros_like(values)] * (len(kept) - len(before))
    for entry, old in zip(kept, before, strict=True):
        entry.copy_(torch.where(seen, entry, old))


class TaskScalars:
    """K numbers that Adam moves down gradients given in closed form; float64, detached from the autograd graph.

    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, https://arxiv.org/abs/1412.6980, with
    beta = (0.9, 0.999) and eps = 1e-8.

    Args:
        start: (K,) first values.
        learning_rate: of Adam.
        weight_decay: L2 decay inside Adam.
    """

    def __init__(self, start: Tensor, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.values = start.double()
        self._adam = torch.optim.Adam([self.values], learning_rate, weight_decay=weight_decay)

    def descend(self, gradient: Tensor, seen: Tensor) -> None:
        """Take one step down ``gradient`` (K,), float64, for the tasks that are ``seen`` (K,).

        The values and moments of the others stay as they were. Adam's count of steps is one for all tasks, as in
        torch's ``SparseAdam``.
        """
        adam_step(self._adam, self.values, gradient, seen)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the values and, after the first step, of Adam's moments."""
        state = {"values": self.values, **self._adam.state[self.values]}
        return {name: value.clone() for name, value in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.values.copy_(state["values"])
        self._adam.state[self.values] = {name: value.clone() for name, value in state.items() if name != "values"}
