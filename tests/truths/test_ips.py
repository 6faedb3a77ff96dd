"""Truths of class reweighting by training base rates."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import logit_step, some_setting

from mtlbench_plugins.weightings.ips import IPS

counts = st.tuples(st.integers(0, 200), st.integers(0, 200)).filter(any)


def weights(negatives: int, positives: int, power: float) -> torch.Tensor:
    """Weights (N, 1) of the training rows themselves."""
    labels = torch.tensor([0.0] * negatives + [1.0] * positives).unsqueeze(1)
    method = IPS(IPS.Params(power=power))
    method.setup(some_setting(1, labels=labels))
    return method.weigh(logit_step(torch.zeros_like(labels), labels)).double()


@given(numbers=counts, power=st.floats(0, 1))
def test_weights_have_mean_one_over_the_training_split(numbers: tuple[int, int], power: float):
    torch.testing.assert_close(weights(*numbers, power).mean().item(), 1.0, rtol=1e-5, atol=0)


@given(negatives=st.integers(1, 200), positives=st.integers(1, 200))
def test_at_power_one_both_classes_count_the_same(negatives: int, positives: int):
    found = weights(negatives, positives, 1.0)
    total = torch.tensor((negatives + positives) / 2, dtype=torch.float64)
    torch.testing.assert_close(found[:negatives].sum(), total, rtol=1e-5, atol=0)
    torch.testing.assert_close(found[negatives:].sum(), total, rtol=1e-5, atol=0)


@given(negatives=st.integers(1, 200), positives=st.integers(1, 200), power=st.floats(0, 1))
def test_the_ratio_of_the_classes_is_a_power_of_the_ratio_of_their_rates(negatives: int, positives: int, power: float):
    found = weights(negatives, positives, power)
    torch.testing.assert_close((found[-1] / found[0]).item(), (negatives / positives) ** power, rtol=1e-5, atol=0)


@given(numbers=counts)
def test_power_zero_is_constant(numbers: tuple[int, int]):
    assert (weights(*numbers, 0.0) == 1).all()


def test_the_best_constant_logit_is_the_one_of_balanced_classes():
    found = weights(90, 10, 1.0)
    labels = torch.tensor([0.0] * 90 + [1.0] * 10).unsqueeze(1)
    assert abs((found * (0.5 - labels)).mean()) < 1e-6  # the gradient of the weighted loss at probability 1/2


def test_each_task_has_its_own_rates():
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    method = IPS(IPS.Params())
    method.setup(some_setting(2, labels=labels))
    expected = torch.tensor([[1, 2 / 3], [1, 2 / 3], [1, 2 / 3], [1, 2]])
    torch.testing.assert_close(method.weigh(logit_step(torch.zeros(4, 2), labels)), expected)
