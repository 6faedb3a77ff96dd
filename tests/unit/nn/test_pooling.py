"""The attention unit is the formula of its docstring, however it is computed."""

import pytest
import torch

from mtlbench.api import Bag, BagField, Pooling, Splits
from mtlbench.benchmarking import workload
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.nn import embedding
from mtlbench.nn.pooling import Attention, held, pool, trimmed
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded

IDS = 4000
"""So many that a table is updated row by row."""


@pytest.mark.parametrize("vectors", [5, 500], ids=["each vector once", "each place"])
def test_attention_is_the_sum_of_vectors_by_their_scores(vectors: int):
    torch.manual_seed(0)
    unit = Attention(3, candidate=1).double()
    values = torch.randn(vectors, 3, dtype=torch.float64)
    position, fields = torch.randint(5, (7, 4)), torch.randint(5, (7, 2))
    bag = Bag(position.int(), torch.tensor([0, 1, 2, 3, 4, 4, 1]).int())
    found = unit(values, position, bag, fields)
    for row in range(7):
        own, expected = values[fields[row, 1]], torch.zeros(3, dtype=torch.float64)
        for place in range(int(bag.lengths[row])):
            one = values[position[row, place]]
            expected = expected + unit.score(unit.hidden(torch.cat([one, own, one - own, one * own]))) * one
        torch.testing.assert_close(found[row], expected)


def test_which_places_hold_an_id():
    bag = Bag(torch.zeros(3, 2).int(), torch.tensor([0, 1, 2]).int())
    assert held(bag).tolist() == [[False, False], [True, False], [True, True]]


def test_attention_needs_a_field():
    with pytest.raises(ValueError, match="needs the field"):
        pool("attention", 3, None)


def bagged_splits(pooling: Pooling) -> Splits:
    """A field, and a bag of its ids with 30 places, of which no row fills more than 4."""
    splits = workload(96, (IDS, 7), bags=(BagField("items", IDS, 30, pooling, of="field 0"),))
    for number, split in enumerate(splits.parts().values()):
        lengths = torch.randint(5, (len(split),), generator=torch.Generator().manual_seed(number)).int()
        object.__setattr__(split, "bags", (Bag(split.bags[0].ids, lengths),))
    return splits


def trained_on(splits: Splits) -> dict[str, torch.Tensor]:
    catalogue = discover(())
    backbone = catalogue.get("backbone", "shared-bottom").cls
    with seeded(0, "initial parameters"):
        network = backbone(splits.schema, backbone.Params(embedding=4, bottom=(8,), tower=(4,)))
    trainer = BackboneTrainer(network, splits, Training(epochs=2, patience=2, batch_size=16), 0)
    constant = catalogue.get("weighting", "constant").cls
    constant(constant.Params()).fit(trainer)
    return dict(trainer.backbone.state_dict())


@pytest.mark.parametrize("pooling", ["mean", "sum", "attention"])
def test_cutting_the_places_that_no_row_of_a_batch_fills_changes_nothing(
    pooling: Pooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to rounding: the row of the unknown id is then not read where no row of the batch has it."""
    splits = bagged_splits(pooling)
    cut = trained_on(splits)
    monkeypatch.setattr(embedding, "trimmed", lambda bag: bag)
    for name, value in trained_on(splits).items():
        torch.testing.assert_close(cut[name], value, rtol=1e-5, atol=1e-7)


def test_a_bag_is_cut_to_its_longest_row_and_to_one_place_where_all_are_empty() -> None:
    ids = torch.arange(12).view(3, 4).int()
    cut = trimmed(Bag(ids, torch.tensor([2, 0, 1]).int()))
    assert cut.ids.equal(ids[:, :2])
    assert cut.lengths.tolist() == [2, 0, 1]
    assert trimmed(Bag(ids, torch.zeros(3).int())).ids.equal(ids[:, :1])
    full = Bag(ids, torch.tensor([4, 0, 1]).int())
    assert trimmed(full) is full
    assert len(trimmed(Bag(ids[:0], torch.zeros(0).int())).ids) == 0
