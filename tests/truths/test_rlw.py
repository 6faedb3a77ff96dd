"""Truths of random loss weighting (SPEC section 6)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step

from mtlbench.api import NoParams
from mtlbench_plugins.weightings.rlw import RLW

method = RLW(NoParams())


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 8))
def test_weights_are_positive_and_sum_to_one(seed: int, tasks: int):
    torch.manual_seed(seed)
    weights = method.weigh(loss_step([1.0] * tasks))
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
    assert (weights > 0).all()


def test_they_depend_on_the_generator_alone():
    torch.manual_seed(1)
    first, second = method.weigh(loss_step([1.0, 2.0])), method.weigh(loss_step([1.0, 2.0]))
    torch.manual_seed(1)
    assert torch.equal(method.weigh(loss_step([9.0, 0.0])), first)
    assert not torch.equal(first, second)


def test_log_ratios_of_weights_have_the_variance_of_a_difference_of_normals():
    torch.manual_seed(0)
    weights = torch.stack([method.weigh(loss_step([1.0, 1.0])) for _ in range(4000)])
    ratio = (weights[:, 0] / weights[:, 1]).log()
    assert abs(ratio.mean()) < 0.1
    assert abs(ratio.var() - 2) < 0.2
