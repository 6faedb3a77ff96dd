"""A small dataset whose tables are larger than what a batch reads, backbones for it, and the textbook training loop."""

from collections.abc import Callable
from dataclasses import replace

import torch
from small_splits import small_schema, small_split
from tiny_backbones import params_of
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Bag, BagField, Field, Inputs, Schema, Splits, VectorField
from mtlbench.discovery import discover
from mtlbench.nn import FieldEmbedding
from mtlbench.training.seeding import derive

BACKBONES = {name: entry.cls for name, entry in discover(()).backbones.items()}


BAGS = (
    BagField("tags", 90, 3, "sum"),
    BagField("clicked", 50, 6, "mean", "item"),
    BagField("bought", 50, 4, "attention", "item"),
)


def wide_splits(rows: int = 240, *, bags: bool = False) -> Splits:
    """Most of whose ids are rare; with ``bags`` of each kind of pooling, a sixth of them empty or more, and vectors."""
    schema = small_schema(
        categorical=(Field("user", 400), Field("item", 50), Field("hour", 4)),
        bags=BAGS if bags else (),
        vectors=(VectorField("text", 3),) if bags else (),
    )
    parts = [
        replace(
            small_split(schema, rows, seed),
            bags=drawn_bags(schema, rows, seed),
            vectors=drawn_vectors(schema, rows, seed),
        )
        for seed in (1, 2, 3)
    ]
    return Splits(schema, *parts, fingerprint="wide", facts={})


def drawn_vectors(schema: Schema, rows: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Random vectors for ``schema``."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, vector.width, generator=generator) for vector in schema.vectors)


def drawn_bags(schema: Schema, rows: int, seed: int) -> tuple[Bag, ...]:
    """Random bags for ``schema``."""
    generator = torch.Generator().manual_seed(seed)
    bags = []
    for bag in schema.bags:
        lengths = torch.randint(bag.length + 1, (rows,), generator=generator).int()
        ids = torch.randint(bag.cardinality, (rows, bag.length), generator=generator).int()
        bags.append(Bag(ids * (torch.arange(bag.length) < lengths.unsqueeze(1)), lengths))
    return tuple(bags)


def small_backbone(name: str, splits: Splits, **sizes: object) -> Backbone:
    """Freshly initialised, always with the same parameters."""
    cls = BACKBONES[name]
    torch.manual_seed(0)
    return cls(splits.schema, params_of(cls, {"embedding": 8, "bottom": (16, 8), "tower": (4,), **sizes}))


Penalty = Callable[[Backbone, Inputs], Tensor]


def l2_of_what_is_read(decay: float) -> Penalty:
    """The L2 term of the layers, and of the rows of embedding tables that a batch reads."""

    def penalty(backbone: Backbone, inputs: Inputs) -> Tensor:
        tables = {id(one.weight): one for one in backbone.modules() if isinstance(one, FieldEmbedding)}
        terms = [parameter.square().sum() for parameter in backbone.parameters() if id(parameter) not in tables]
        terms += [one.weight[one.index(inputs).long().flatten().unique()].square().sum() for one in tables.values()]
        return decay / 2 * torch.stack(terms).sum()

    return penalty


def plain_loop(
    backbone: Backbone,
    splits: Splits,
    batches: list[Tensor],
    penalty: Penalty | None = None,
    rate: Callable[[int], float] = lambda taken: 1e-3,
) -> list[float]:
    """The textbook loop: dense torch Adam, the embedding table read and updated whole; the losses without penalty."""
    adam = torch.optim.Adam(backbone.parameters(), lr=1e-3)
    for module in backbone.modules():
        if isinstance(module, FieldEmbedding):
            module.factored = lambda inputs, readers=(), each_place=module.forward: each_place(inputs)
    data, losses = splits.train, []
    for number, rows in enumerate(batches):
        torch.manual_seed(derive(0, number))
        logits = backbone(data.inputs[rows])
        loss = F.binary_cross_entropy_with_logits(logits, data.labels[rows])
        adam.param_groups[0]["lr"] = rate(number)
        adam.zero_grad()
        (loss if penalty is None else loss + penalty(backbone, data.inputs[rows])).backward()
        adam.step()
        losses.append(loss.item())
    return losses
