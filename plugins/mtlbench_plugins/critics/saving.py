"""States made of the states of parts, and the state of Adam."""

from collections.abc import Mapping

import torch
from torch import Tensor


def named(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the entries of ``state``, with ``prefix`` before their names."""
    return {f"{prefix}{name}": value.detach().clone() for name, value in state.items()}


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of ``state`` whose names begin with ``prefix``, without the prefix."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def adam_state(adam: torch.optim.Adam) -> dict[str, Tensor]:
    """What ``adam`` keeps of its parameters, by their number; nothing before its first step."""
    return {
        f"{i}.{name}": value
        for i, parameter in enumerate(_parameters(adam))
        for name, value in adam.state[parameter].items()
    }


def load_adam(adam: torch.optim.Adam, state: Mapping[str, Tensor]) -> None:
    """Take back, copied, what :func:`adam_state` gave."""
    for i, parameter in enumerate(_parameters(adam)):
        adam.state[parameter] = {name: value.clone() for name, value in under(f"{i}.", state).items()}


def _parameters(adam: torch.optim.Adam) -> list[Tensor]:
    return [parameter for group in adam.param_groups for parameter in group["params"]]
