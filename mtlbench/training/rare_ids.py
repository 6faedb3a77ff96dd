"""Ids too rare to learn an embedding of, read as the unknown id."""

from dataclasses import replace

import torch
from torch import Tensor

from mtlbench.api import Bag, Split, Splits
from mtlbench.nn.pooling import held

UNKNOWN = 0


def rare_ids_unknown(splits: Splits, min_count: int) -> Splits:
    """``splits`` with ids that the training rows hold fewer than ``min_count`` times replaced by the unknown id.

    Whatever reads the data then agrees: backbones, critics, all three splits; and a step costs what it cost. Indices
    and the sizes of tables stay as they are, so the same seed starts from the same parameters. Ids are counted as a
    dataset's own ``min_count`` does: a bag with ids of a field by the rows of that field, another by its own ids.
    """
    if min_count == 1:
        return splits
    train, schema = splits.train, splits.schema
    fields = {
        field.name: _frequent(train.categorical[:, place], field.cardinality, min_count)
        for place, field in enumerate(schema.categorical)
    }
    bags = [
        fields[field.of] if field.of is not None else _frequent(bag.ids[held(bag)], field.cardinality, min_count)
        for field, bag in zip(schema.bags, train.bags, strict=True)
    ]
    train, validation, test = (_read(split, list(fields.values()), bags) for split in splits.parts().values())
    return replace(splits, train=train, validation=validation, test=test)


def _frequent(ids: Tensor, cardinality: int, min_count: int) -> Tensor:
    """What each index (cardinality,) is read as, int32: itself, or the unknown id."""
    counts = torch.bincount(ids, minlength=cardinality)
    return torch.where(counts >= min_count, torch.arange(cardinality, device=ids.device), UNKNOWN).int()


def _read(split: Split, fields: list[Tensor], bags: list[Tensor]) -> Split:
    categorical = torch.empty_like(split.categorical)
    for place, known in enumerate(fields):
        categorical[:, place] = known[split.categorical[:, place].long()]
    read = (Bag(known[(bag.ids * held(bag)).long()], bag.lengths) for bag, known in zip(split.bags, bags, strict=True))
    return replace(split, categorical=categorical, bags=tuple(read))
