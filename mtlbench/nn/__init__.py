"""Layers that backbones and critics share."""

from mtlbench.nn.activation import ReLUDropout
from mtlbench.nn.embedding import FieldEmbedding
from mtlbench.nn.experts import Experts, Gate, mix, mixtures
from mtlbench.nn.factored import Factored
from mtlbench.nn.linear import Linear
from mtlbench.nn.mlp import MLP, Bottom, Hidden, Tower

__all__ = [
    "MLP",
    "Bottom",
    "Experts",
    "Factored",
    "FieldEmbedding",
    "Gate",
    "Hidden",
    "Linear",
    "ReLUDropout",
    "Tower",
    "mix",
    "mixtures",
]
