"""The order of small integers against torch's stable sort."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.nn.ordering import RADIX, stable_order


@given(seed=st.integers(0, 1000), count=st.integers(0, 300), bound=st.integers(1, 50), long=st.booleans())
def test_it_is_the_stable_order(seed: int, count: int, bound: int, long: bool):
    random = torch.Generator().manual_seed(seed)
    keys = torch.randint(bound, (count,), generator=random, dtype=torch.int64 if long else torch.int32)
    assert torch.equal(stable_order(keys, bound), keys.argsort(stable=True))


@pytest.mark.parametrize("bound", [RADIX, RADIX + 1, 2**31 - 1])
def test_large_values_keep_their_order(bound: int):
    keys = torch.tensor([bound - 1, 0, bound - 1, bound // 2, 0], dtype=torch.int32)
    assert stable_order(keys, bound).tolist() == [1, 4, 3, 0, 2]
