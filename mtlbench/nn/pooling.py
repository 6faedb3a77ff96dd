"""From the vectors of a bag's ids to one vector."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.api import Bag, Pooling

ATTENTION = 36
"""Hidden width of the activation unit, as in the paper."""


def held(bag: Bag) -> Tensor:
    """(B, L) bool: which places of ``bag`` hold an id."""
    return torch.arange(bag.ids.shape[1], device=bag.ids.device) < bag.lengths.unsqueeze(1)


def trimmed(bag: Bag) -> Bag:
    """``bag`` without the last places that no row fills, but with one at least.

    On a GPU it stays as it is: looking at the lengths would wait for it, and a recorded pass takes one shape.
    """
    if bag.ids.device.type != "cpu" or len(bag.ids) == 0:
        return bag
    longest = max(int(bag.lengths.max()), 1)
    return bag if longest == bag.ids.shape[1] else Bag(bag.ids[:, :longest], bag.lengths)


def pool(pooling: Pooling, width: int, candidate: int | None) -> nn.Module:
    """The module that pools vectors of ``width`` dimensions; ``candidate`` is the number of the field attended to."""
    if pooling != "attention":
        return Sum(mean=pooling == "mean")
    if candidate is None:
        raise ValueError("attention needs the field whose ids the bag has")
    return Attention(width, candidate)


class Sum(nn.Module):
    """Sum or mean of the vectors, in one pass that keeps none of them."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, values: Tensor, position: Tensor, bag: Bag, fields: Tensor) -> Tensor:
        """(B, d) from ``values`` (U, d), and ``position`` (B, L), where in them each id's vector is."""
        weights = held(bag).to(values.dtype)
        if self.mean:
            weights = weights / bag.lengths.clamp(min=1).unsqueeze(1)
        return F.embedding_bag(position.contiguous(), values, per_sample_weights=weights, mode="sum")


class Attention(nn.Module):
    r"""The attention of DIN: Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018.

    https://arxiv.org/abs/1706.06978:

    .. math:: v = \sum_j a(e_j, c) \, e_j, \qquad a(e, c) = \mathrm{MLP}([e, c, e - c, e \odot c])

    with c the vector of the row's own id. As in the paper the scores are no shares: they need not sum to 1. The unit
    has one hidden layer of 36 with PReLU. Deviation: the paper's unit takes an outer product; public code, that of the
    authors too, takes the difference and the product by element.

    Args:
        width: dimensions of a vector, d.
        candidate: number of the field whose ids the bag has.
    """

    def __init__(self, width: int, candidate: int) -> None:
        super().__init__()
        self.candidate = candidate
        self.hidden = nn.Linear(4 * width, ATTENTION)
        self.score = nn.Sequential(nn.PReLU(), nn.Linear(ATTENTION, 1))

    def forward(self, values: Tensor, position: Tensor, bag: Bag, fields: Tensor) -> Tensor:
        """(B, d) from ``values`` (U, d), and where in them the vectors of the bag and of all ``fields`` are."""
        vectors = F.embedding(position, values)
        own = F.embedding(fields[:, self.candidate], values)
        # W [e, c, e - c, e * c] = (W_1 + W_3) e + (W_2 - W_3) c + W_4 (e * c): the first product once for each vector.
        of_vector, of_own, of_difference, of_product = self.hidden.weight.split(values.shape[1], dim=1)
        once = len(values) <= position.numel()
        alone = F.linear(values if once else vectors, of_vector + of_difference)
        beside = F.linear(own, of_own - of_difference, self.hidden.bias)
        together = F.linear(vectors * own.unsqueeze(1), of_product)
        hidden = (F.embedding(position, alone) if once else alone) + beside.unsqueeze(1) + together
        scores = self.score(hidden).squeeze(2) * held(bag)
        return torch.bmm(scores.unsqueeze(1), vectors).squeeze(1)
