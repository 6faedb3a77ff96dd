"""Truths of FAMO (SPEC section 4)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from linear_backbone import LinearBackbone
from loss_steps import loss_step, some_setting
from small_splits import small_splits

from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench_plugins.weightings.famo import FAMO

some_losses = st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3)


def started(after: list[float] | None = None, logits: list[float] | None = None, **params: float) -> FAMO:
    method = FAMO(FAMO.Params(**params))
    method.setup(some_setting(3, after=after))
    if logits is not None:
        method._logits.values.copy_(torch.tensor(logits))
    return method


some_logits = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


@given(losses=some_losses, logits=some_logits)
def test_weights_are_proportional_to_z_over_the_loss_and_sum_to_the_number_of_tasks(
    losses: list[float], logits: list[float]
):
    step = loss_step(losses)
    weights = started(logits=logits).weigh(step).double()
    ratio = torch.tensor(logits, dtype=torch.float32).double().softmax(0) / step.losses[0].double()
    torch.testing.assert_close(weights, 3 * ratio / ratio.sum(), rtol=1e-5, atol=0)


@given(losses=some_losses, after=some_losses, logits=some_logits)
def test_the_gradient_of_the_logits_is_that_of_the_gain_under_the_softmax(
    losses: list[float], after: list[float], logits: list[float]
):
    method = started(after, logits)
    taken = []
    method._logits.descend = lambda gradient, seen: taken.append(gradient)
    method.after_step(loss_step(losses))
    xi = torch.tensor(logits, dtype=torch.float32).double().requires_grad_()
    gain = loss_step(losses).losses[0].double().log() - loss_step(after).losses[0].double().log()
    (xi.softmax(0) @ gain).backward()
    torch.testing.assert_close(taken[0], xi.grad, rtol=1e-6, atol=1e-9)


def test_a_task_that_gained_less_weighs_more_in_the_next_step():
    method = started(after=[0.5, 0.9, 0.7])
    before = method.weigh(loss_step([1.0, 1.0, 1.0]))
    method.after_step(loss_step([1.0, 1.0, 1.0]))
    fast, slow, _ = (method.weigh(loss_step([1.0, 1.0, 1.0])) - before).tolist()
    assert fast < 0 < slow


def test_equal_relative_gains_leave_the_logits_where_they_are():
    method = started()
    method.after_step(loss_step([1.0, 8.0, 0.3]))
    torch.testing.assert_close(method._logits.values, torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)


def test_the_losses_after_a_step_are_of_the_same_rows_and_dropout_masks():
    splits = small_splits()
    trainer = BackboneTrainer(LinearBackbone(splits.schema), splits, Training(1, 1, 64, learning_rate=0.0), 0)
    method = FAMO(FAMO.Params(weight_decay=0.0))
    method.fit(trainer)
    # A step of size 0 changes no loss, so nothing but another mask could move the logits.
    torch.testing.assert_close(method._logits.values, torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)
