"""Truths of IGB v1 (SPEC-METHODS 1.3)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting

from mtlbench_plugins.weightings.igb_v1 import IGBv1
from mtlbench_plugins.weightings.stch import STCH

some_losses = st.lists(st.floats(1e-2, 1e2), min_size=3, max_size=3)


def based(base: list[float], base_epoch: int = 1) -> IGBv1:
    """IGB v1 after the epoch ``base_epoch``, which had the mean losses ``base``."""
    method = IGBv1(IGBv1.Params(base_epoch=base_epoch))
    method.setup(some_setting(len(base)))
    for epoch in range(1, base_epoch + 1):
        method.after_step(loss_step(base if epoch == base_epoch else [7.0] * len(base)))
        method.end_epoch(epoch)
    return method


def weights(base: list[float], losses: list[float]) -> torch.Tensor:
    return based(base).weigh(loss_step(losses)).double()


def test_the_oracle():
    expected = torch.tensor([4.203668071, 26.370655435, 2.101834035], dtype=torch.float64)
    torch.testing.assert_close(weights([0.25, 0.04, 0.5], [0.2, 0.05, 0.4]), expected, rtol=1e-6, atol=0)


@given(base=some_losses, losses=some_losses)
def test_they_are_the_gradient_of_the_weighted_logarithms(base: list[float], losses: list[float]):
    mean = loss_step(losses).losses[0].double().requires_grad_()
    omega = 3 * (mean / loss_step(base).losses[0].double()).softmax(0).detach()
    (omega * mean.log()).sum().backward()
    torch.testing.assert_close(weights(base, losses), mean.grad, rtol=1e-5, atol=1e-30)


@given(base=some_losses, losses=some_losses, factor=st.sampled_from([1 / 64, 0.5, 16.0]))
def test_rescaling_a_task_changes_its_own_weight_alone_and_that_by_the_inverse(
    base: list[float], losses: list[float], factor: float
):
    scaled = weights([base[0] * factor, *base[1:]], [losses[0] * factor, *losses[1:]])
    expected = weights(base, losses) / torch.tensor([factor, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(scaled, expected, rtol=1e-4, atol=1e-30)


@given(base=some_losses)
def test_at_the_base_each_weight_is_the_inverse_loss(base: list[float]):
    torch.testing.assert_close(weights(base, base), 1 / loss_step(base).losses[0].double(), rtol=1e-5, atol=0)


@given(losses=some_losses)
def test_before_there_is_a_base_each_weight_is_the_inverse_loss(losses: list[float]):
    method = IGBv1(IGBv1.Params())
    method.setup(some_setting(3))
    method.after_step(loss_step([1.0, 2.0, 3.0]))
    method.end_epoch(1)  # the base is that of the second epoch
    step = loss_step(losses)
    torch.testing.assert_close(method.weigh(step), 1 / step.losses[0], rtol=1e-5, atol=0)


def test_near_the_base_it_is_stch_to_first_order():
    base = [0.25, 0.04, 0.5]
    smooth = STCH(STCH.Params(mu=1))
    smooth.setup(some_setting(3))
    smooth.after_step(loss_step(base))
    smooth.end_epoch(1)
    for size in (0.1, 0.01):
        step = loss_step(torch.tensor(base) * torch.tensor([1 + size, 1 - size, 1.0]))
        difference = based(base).weigh(step) / smooth.weigh(step) - 1
        assert 0 < difference.abs().max() < size**2


def test_the_base_is_the_mean_loss_of_its_epoch_and_stays():
    method = based([1.0, 2.0], base_epoch=3)
    assert method.state_dict()["base"].tolist() == [1, 2]
    method.after_step(loss_step([0.1, 0.1]))
    method.end_epoch(4)
    assert method.state_dict()["base"].tolist() == [1, 2]


def test_a_loss_of_zero_counts_as_the_floor():
    assert torch.equal(weights([1.0, 1.0], [0.0, 1.0]), weights([1.0, 1.0], [1e-8, 1.0]))
    assert weights([0.0, 1.0], [0.0, 1.0]).isfinite().all()
