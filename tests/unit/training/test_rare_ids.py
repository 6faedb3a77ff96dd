"""Ids too rare to learn of: the reading is that of a dataset encoded with the same least count."""

from dataclasses import replace

import pytest
import torch
from logs import small_log
from wide_splits import wide_splits

from mtlbench.api import BagColumn, Splits
from mtlbench.data.building import build
from mtlbench.nn.pooling import held
from mtlbench.training.rare_ids import rare_ids_unknown


def with_bags(min_count: int) -> Splits:
    """Tags of their own, and items clicked, which the field of items has; many of both are rare."""
    log = small_log(300)
    generator = torch.Generator().manual_seed(0)
    draws = torch.randint(60, (len(log.frame), 7), generator=generator).tolist()
    log.frame["item"] = [draw[0] for draw in draws]
    log.frame["tags"] = [draw[1 : 1 + draw[1] % 4] for draw in draws]
    log.frame["clicked"] = [draw[4 : 4 + draw[4] % 4] for draw in draws]
    bags = (BagColumn("tags"), BagColumn("clicked", of="item"))
    inputs = tuple(dict.fromkeys([*log.categorical, "item"]))
    return build(replace(log, categorical=inputs, bags=bags, min_count=min_count), "log", "f")


@pytest.mark.parametrize("min_count", [2, 4])
def test_the_unknown_ids_are_those_of_an_encoding_with_that_count(min_count: int):
    plain, encoded = with_bags(1), with_bags(min_count)
    read = rare_ids_unknown(plain, min_count)
    assert read.schema == plain.schema
    for name, split in read.parts().items():
        expected, before = encoded.parts()[name], plain.parts()[name]
        unknown = expected.categorical == 0
        assert torch.equal(split.categorical == 0, unknown)
        assert torch.equal(split.categorical[~unknown], before.categorical[~unknown])
        for one, other, was in zip(split.bags, expected.bags, before.bags, strict=True):
            assert torch.equal(one.lengths, other.lengths)
            assert torch.equal((one.ids == 0)[held(one)], (other.ids == 0)[held(other)])
            assert torch.equal(one.ids[one.ids > 0], was.ids[one.ids > 0])
    assert 0 < (read.train.categorical == 0).sum() < read.train.categorical.numel()


def test_a_count_of_one_changes_nothing_and_twice_is_as_once():
    splits = wide_splits(bags=True)
    assert rare_ids_unknown(splits, 1) is splits
    once = rare_ids_unknown(splits, 3)
    again = rare_ids_unknown(once, 3)
    for one, other in zip(once.train.inputs.tensors(), again.train.inputs.tensors(), strict=True):
        assert torch.equal(one, other)


def test_what_stands_in_places_without_an_id_is_not_looked_at():
    splits = wide_splits(bags=True)
    noisy = [
        bag._replace(ids=torch.where(held(bag), bag.ids, torch.full_like(bag.ids, 10**6))) for bag in splits.train.bags
    ]
    found = rare_ids_unknown(replace(splits, train=replace(splits.train, bags=tuple(noisy))), 2)
    for one, other in zip(found.train.bags, rare_ids_unknown(splits, 2).train.bags, strict=True):
        assert torch.equal(one.ids[held(one)], other.ids[held(other)])
