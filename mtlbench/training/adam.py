"""Adam of parameters that are updated whole."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from mtlbench.training.embeddings.algorithms import fused_adam

Moments = dict[str, Tensor]
"""``step``, ``exp_avg`` and ``exp_avg_sq`` of a parameter, as torch.optim.Adam has them."""


class DenseAdam:
    """torch's fused Adam: what torch.optim.Adam computes, bit for bit.

    That class collects its groups and keeps hooks in every step. For the parameters of a small network, this takes
    longer than the update.

    Args:
        parameters: name -> parameter.
        undecayed: names of those that get no weight decay here.
        weight_decay: lambda, of the L2 term lambda / 2 |theta|^2 in the loss.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], undecayed: Iterable[str], weight_decay: float) -> None:
        self.state: dict[str, Moments] = {}
        """By name, of the parameters that had a gradient so far."""
        apart = set(undecayed)
        layers = {name: one for name, one in parameters.items() if name not in apart}
        tables = {name: one for name, one in parameters.items() if name in apart}
        self._groups = [
            (group, fused_adam(weight_decay=decay)) for group, decay in ((layers, weight_decay), (tables, 0.0)) if group
        ]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameters, _ in self._groups:
            for parameter in parameters.values():
                parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step down the gradients; a parameter without one stays as it is."""
        for parameters, update in self._groups:
            moved = {name: parameter for name, parameter in parameters.items() if parameter.grad is not None}
            if moved:
                moments = [self._moments(name, parameter) for name, parameter in moved.items()]
                steps, means, squares = ([own[key] for own in moments] for key in ("step", "exp_avg", "exp_avg_sq"))
                leaves, gradients = list(moved.values()), [parameter.grad for parameter in moved.values()]
                update(leaves, gradients, means, squares, [], steps, lr=learning_rate)

    def _moments(self, name: str, parameter: Tensor) -> Moments:
        if name not in self.state:
            self.state[name] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self.state[name]
