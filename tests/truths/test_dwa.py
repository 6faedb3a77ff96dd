"""Truths of dynamic weight average (SPEC section 6)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting

from mtlbench_plugins.weightings.dwa import DWA

some_losses = st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4)


def after(*epochs: list[float], temperature: float = 2.0) -> DWA:
    """DWA after epochs with these mean losses."""
    method = DWA(DWA.Params(temperature=temperature))
    method.setup(some_setting(len(epochs[0])))
    for number, losses in enumerate(epochs, start=1):
        method.after_step(loss_step(losses))
        method.end_epoch(number)
    return method


def weights(method: DWA, tasks: int = 4) -> torch.Tensor:
    return method.weigh(loss_step([1.0] * tasks))


@given(first=some_losses, second=some_losses, temperature=st.floats(0.1, 100))
def test_weights_sum_to_the_number_of_tasks(first: list[float], second: list[float], temperature: float):
    found = weights(after(first, second, temperature=temperature))
    torch.testing.assert_close(found.sum(), torch.tensor(4.0))
    assert (found >= 0).all()


@given(first=some_losses, second=some_losses)
def test_weights_are_the_softmax_of_the_ratios(first: list[float], second: list[float]):
    ratio = torch.tensor(second, dtype=torch.float32).double() / torch.tensor(first, dtype=torch.float32).double()
    torch.testing.assert_close(weights(after(first, second)), (4 * (ratio / 2).softmax(0)).float())


@given(first=some_losses, ratio=st.floats(0.1, 10))
def test_equal_ratios_give_ones(first: list[float], ratio: float):
    second = (torch.tensor(first) * ratio).tolist()
    torch.testing.assert_close(weights(after(first, second)), torch.ones(4), rtol=1e-4, atol=0)


@given(first=some_losses, second=some_losses)
def test_a_high_temperature_gives_ones(first: list[float], second: list[float]):
    torch.testing.assert_close(weights(after(first, second, temperature=1e12)), torch.ones(4), rtol=1e-5, atol=0)


def test_the_first_two_epochs_have_ones():
    assert weights(after([1.0, 2.0]), tasks=2).tolist() == [1, 1]
    method = DWA(DWA.Params())
    method.setup(some_setting(2))
    assert weights(method, tasks=2).tolist() == [1, 1]


def test_a_task_whose_loss_falls_slowly_weighs_more():
    slow, fast = weights(after([1.0, 1.0], [0.9, 0.5]), tasks=2)
    assert slow > 1 > fast


def test_only_the_last_two_epochs_count():
    found = weights(after([9.0, 0.1], [1.0, 2.0], [0.5, 1.9]), tasks=2)
    assert torch.equal(found, weights(after([1.0, 2.0], [0.5, 1.9]), tasks=2))


def test_an_epochs_loss_is_the_mean_over_its_samples_whatever_the_batches():
    method = after([1.0, 1.0])
    method.after_step(loss_step(torch.tensor([[1.0, 4.0], [1.0, 4.0], [1.0, 4.0]])))
    method.after_step(loss_step(torch.tensor([[5.0, 0.0]])))
    method.end_epoch(2)
    assert torch.equal(weights(method, tasks=2), weights(after([1.0, 1.0], [2.0, 3.0]), tasks=2))


def test_a_task_solved_for_two_epochs_made_no_progress_and_gives_no_nan():
    found = weights(after([0.0, 1.0], [0.0, 1.0]), tasks=2)
    assert found.tolist() == [1, 1]
