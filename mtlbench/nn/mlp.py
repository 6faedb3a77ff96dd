"""Fully connected layers: hidden layers, bottoms and towers."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from mtlbench.api import Inputs, Schema, Sizes
from mtlbench.nn.activation import ReLUDropout
from mtlbench.nn.embedding import FieldEmbedding
from mtlbench.nn.linear import Linear

Norm = Literal["none", "batch"]


class Hidden(nn.Sequential):
    """Linear, normalisation, ReLU, dropout: (B, inputs) to (B, width)."""

    def __init__(self, inputs: int, width: int, dropout: float, norm: Norm) -> None:
        layers: list[nn.Module] = [Linear(inputs, width)]
        if norm == "batch":
            layers.append(nn.BatchNorm1d(width))
        super().__init__(*layers, ReLUDropout(dropout, inplace=True))


class MLP(nn.Sequential):
    """Hidden layers of ``widths``: (B, inputs) to (B, widths[-1]); without widths, the identity."""

    def __init__(self, inputs: int, widths: Sequence[int], dropout: float, norm: Norm) -> None:
        sizes = [inputs, *widths]
        super().__init__(*(Hidden(a, b, dropout, norm) for a, b in pairwise(sizes)))
        self.width = sizes[-1]


class Bottom(nn.Module):
    """Field embedding and hidden layers over it: B rows to (B, width).

    Args:
        schema: fields and numerical inputs.
        sizes: embedding, bottom, dropout and norm are read.
    """

    def __init__(self, schema: Schema, sizes: Sizes) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, sizes.embedding)
        self.mlp = MLP(self.embedding.width, sizes.bottom, sizes.dropout, sizes.norm)
        self.width = self.mlp.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Features (B, width)."""
        features: Tensor = self.mlp(self.embedding.factored(inputs))
        return features


class Tower(nn.Module):
    """Hidden layers and one linear output: features (B, inputs) to a logit (B, 1)."""

    def __init__(self, inputs: int, widths: Sequence[int], dropout: float, norm: Norm) -> None:
        super().__init__()
        self.mlp = MLP(inputs, widths, dropout, norm)
        self.logit = nn.Linear(self.mlp.width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Logit (B, 1)."""
        logit: Tensor = self.logit(self.mlp(features))
        return logit
