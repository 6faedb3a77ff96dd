"""Truths of smooth Tchebycheff scalarization (SPEC section 6)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting

from mtlbench_plugins.weightings.stch import STCH

some_losses = st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3)


def warm(nadir: list[float], mu: float = 1.0, warmup: int = 1) -> STCH:
    """STCH after a warm-up whose last epoch had the mean losses ``nadir``."""
    method = STCH(STCH.Params(mu=mu, warmup=warmup))
    method.setup(some_setting(len(nadir)))
    for epoch in range(1, warmup + 1):
        method.after_step(loss_step(nadir if epoch == warmup else [7.0] * len(nadir)))
        method.end_epoch(epoch)
    return method


def shares(method: STCH, losses: list[float]) -> torch.Tensor:
    """Of each task in the gradient of log L, which sum to 1."""
    step = loss_step(losses)
    return method.weigh(step).double() * step.losses[0].double() / len(losses)


@given(nadir=some_losses, losses=some_losses, mu=st.floats(0.2, 10))
def test_the_shares_are_the_softmax_and_the_weights_the_gradient_of_the_objective(
    nadir: list[float], losses: list[float], mu: float
):
    step = loss_step(losses)
    mean = step.losses[0].double().requires_grad_()
    log = (mean / loss_step(nadir).losses[0].double()).log() / mu
    (mu * log.logsumexp(0)).backward()
    method = warm(nadir, mu)
    torch.testing.assert_close(method.weigh(step).double() / 3, mean.grad, rtol=1e-4, atol=1e-12)
    torch.testing.assert_close(shares(method, losses), log.detach().softmax(0), rtol=1e-4, atol=1e-9)


def test_mu_to_zero_leaves_the_worst_task_relative_to_its_nadir_alone():
    found = shares(warm([1.0, 10.0, 0.1], mu=1e-3), [0.9, 9.5, 0.05])
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))


@given(nadir=some_losses, losses=some_losses)
def test_mu_to_infinity_is_the_mean_of_log_losses_as_in_the_warm_up(nadir: list[float], losses: list[float]):
    step = loss_step(losses)
    cold = STCH(STCH.Params())
    cold.setup(some_setting(3))
    torch.testing.assert_close(cold.weigh(step), 1 / step.losses[0], rtol=1e-5, atol=0)
    torch.testing.assert_close(warm(nadir, mu=1e8).weigh(step), cold.weigh(step), rtol=1e-5, atol=0)


@given(nadir=some_losses)
def test_at_the_nadir_all_tasks_have_equal_shares(nadir: list[float]):
    torch.testing.assert_close(shares(warm(nadir), nadir), torch.full((3,), 1 / 3, dtype=torch.float64))


def test_the_nadir_is_the_mean_loss_of_the_last_epoch_of_the_warm_up_and_stays():
    method = warm([1.0, 2.0], warmup=3)
    assert method.state_dict()["nadir"].tolist() == [1, 2]
    method.after_step(loss_step([0.1, 0.1]))
    method.end_epoch(4)
    assert method.state_dict()["nadir"].tolist() == [1, 2]
