"""Truths of focal loss (SPEC section 6)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import logit_step
from torch.nn import functional as F

from mtlbench_plugins.weightings.focal import Focal

LOGITS = torch.linspace(-12, 12, 97).reshape(-1, 1)


def weights(gamma: float, logits: torch.Tensor, label: float) -> torch.Tensor:
    return Focal(Focal.Params(gamma=gamma)).weigh(logit_step(logits, torch.full_like(logits, label)))


@given(gamma=st.floats(0, 5), label=st.sampled_from([0.0, 1.0]))
def test_a_step_down_the_weighted_cross_entropy_is_one_down_the_focal_loss(gamma: float, label: float):
    logits = LOGITS.double().requires_grad_()
    probability = torch.sigmoid(logits if label else -logits)
    ((1 - probability) ** gamma * -probability.log()).sum().backward()
    focal, logits.grad = logits.grad, None
    F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label), reduction="sum").backward()
    expected = weights(gamma, LOGITS.double(), label) * logits.grad
    torch.testing.assert_close(expected, focal, rtol=1e-6, atol=1e-10)


@given(label=st.sampled_from([0.0, 1.0]))
def test_gamma_zero_is_the_cross_entropy(label: float):
    extreme = torch.tensor([-500.0, -90.0, 0.0, 90.0, 500.0]).reshape(-1, 1)
    assert (weights(0.0, torch.cat([LOGITS, extreme]), label) == 1).all()


@given(gamma=st.floats(0, 5), label=st.sampled_from([0.0, 1.0]))
def test_the_weight_is_at_least_the_modulating_factor(gamma: float, label: float):
    factor = torch.sigmoid(-LOGITS if label else LOGITS) ** gamma
    assert (weights(gamma, LOGITS, label) >= factor * (1 - 1e-5)).all()


@given(gamma=st.floats(0.01, 20), label=st.sampled_from([0.0, 1.0]))
def test_extreme_logits_give_no_nan(gamma: float, label: float):
    extreme = torch.tensor([-1e30, -500.0, -100.0, -88.0, 88.0, 100.0, 500.0, 1e30]).reshape(-1, 1)
    found = weights(gamma, extreme, label)
    assert found.isfinite().all()
    right = found[-1] if label else found[0]
    wrong = found[0] if label else found[-1]
    assert right == 0
    assert wrong == 1


def test_carries_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    assert not Focal(Focal.Params()).weigh(logit_step(logits, torch.ones_like(logits))).requires_grad
