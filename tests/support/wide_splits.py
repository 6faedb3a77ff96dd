"""A small dataset whose tables are larger than what a batch reads, backbones for it, and the textbook training loop."""

import torch
from small_splits import small_schema, small_split
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Field, Splits
from mtlbench.discovery import discover
from mtlbench.nn import FieldEmbedding
from mtlbench.training.seeding import derive

BACKBONES = {name: entry.cls for name, entry in discover(()).backbones.items()}


def wide_splits(rows: int = 240) -> Splits:
    """Most of whose ids are rare."""
    schema = small_schema(categorical=(Field("user", 400), Field("item", 50), Field("hour", 4)))
    return Splits(schema, *(small_split(schema, rows, seed) for seed in (1, 2, 3)), fingerprint="wide", facts={})


def small_backbone(name: str, splits: Splits, **sizes: object) -> Backbone:
    """Freshly initialised, always with the same parameters."""
    cls = BACKBONES[name]
    torch.manual_seed(0)
    return cls(splits.schema, cls.Params(**{"embedding": 8, "bottom": (16, 8), "tower": (4,), **sizes}))


def plain_loop(backbone: Backbone, splits: Splits, batches: list[Tensor]) -> list[float]:
    """The textbook loop: dense torch Adam, the embedding table read and updated whole."""
    adam = torch.optim.Adam(backbone.parameters(), lr=1e-3)
    for module in backbone.modules():
        if isinstance(module, FieldEmbedding):
            module.inputs = lambda *inputs, readers=(), each_place=module.forward: each_place(*inputs)
    data, losses = splits.train, []
    for number, rows in enumerate(batches):
        torch.manual_seed(derive(0, number))
        logits = backbone(data.categorical[rows], data.numerical[rows])
        loss = F.binary_cross_entropy_with_logits(logits, data.labels[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses
