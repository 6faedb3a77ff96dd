"""The attention unit is the formula of its docstring, however it is computed."""

import pytest
import torch

from mtlbench.api import Bag
from mtlbench.nn.pooling import Attention, held, pool


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
