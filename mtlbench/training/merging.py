"""Weighted means of networks that were trained apart."""

from collections.abc import Collection, Mapping

from torch import Tensor

from mtlbench.api import TrainingError

Parameters = dict[str, Tensor]
"""The state of a network, with its buffers."""

Shares = dict[str, float]
"""The share of each network in a mean, of sum 1."""


def normalised(given: Mapping[str, float], names: Collection[str]) -> Shares:
    """The shares ``given`` for all ``names``, of sum 1.

    Raises:
        TrainingError: one is of another name or below 0, or none is above.
    """
    total = sum(given.values())
    if not given.keys() <= set(names) or not all(share >= 0 for share in given.values()) or not total > 0:
        raise TrainingError(
            f"the weighting merges the branches {', '.join(names)} with the shares {dict(given)}; give each a share of "
            "at least 0, and one of them more"
        )
    return {name: given.get(name, 0.0) / total for name in names}


def largest(shares: Mapping[str, float]) -> str:
    """The name of the largest share, of equals the first."""
    return max(shares, key=shares.__getitem__)


def mean(networks: Mapping[str, Parameters], shares: Mapping[str, float]) -> Parameters:
    """The mean of ``networks`` by ``shares``, of sum 1; whole numbers, such as counts of batches, are not averaged.

    It is summed as differences from the network of the largest share, so that the mean of equal networks is that
    network to the last bit. Whole numbers are those of that one.
    """
    top = largest(shares)
    others = [(networks[name], share) for name, share in shares.items() if name != top and share > 0]
    found = dict(networks[top])
    for key, value in networks[top].items() if others else ():
        if value.is_floating_point():
            found[key] = value.clone()
            for other, share in others:
                found[key].add_(other[key] - value, alpha=share)
    return found
