"""Weights by inverse propensity, for labels that are observed only where something else has happened."""

from torch import Tensor


def inverse_propensity(probability: Tensor, clip: float) -> Tensor:
    """1 / p of each row, without a gradient.

    Args:
        probability: p, that the label is observed.
        clip: the largest weight; p counts as at least 1 / ``clip``, which is biased where it acts.
    """
    return 1 / probability.detach().clamp(min=1 / clip)
