"""Truths of the scalarizations of a preference: PBI and Chebyshev (SPEC-METHODS 1.15)."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting
from small_splits import small_schema
from torch import Tensor

from mtlbench.api import Backbone
from mtlbench_plugins.weightings.preference import Preference
from mtlbench_plugins.weightings.stch import STCH

few_examples = settings(max_examples=20)
some_pairs = st.integers(1, 5).flatmap(
    lambda tasks: st.tuples(*(st.lists(st.floats(0.1, 2), min_size=tasks, max_size=tasks) for _ in range(2)))
)


def started(tasks: int, **params: Any) -> Preference:
    method = Preference(Preference.Params(**params))
    method.setup(some_setting(tasks))
    return method


def weights(losses: list[float], **params: Any) -> Tensor:
    """In float64 throughout."""
    step = loss_step(losses)
    step.losses = torch.tensor(losses, dtype=torch.float64).expand(2, -1)
    return started(len(losses), **params).weigh(step)


@given(pair=some_pairs, theta=st.floats(0, 10))
@few_examples
def test_the_weights_of_pbi_are_the_gradient_of_its_objective(pair: tuple[list[float], ...], theta: float):
    losses, shares = pair
    ideal = [0.05] * len(losses)
    free = torch.tensor(losses, dtype=torch.float64, requires_grad=True)
    ray = torch.tensor(shares, dtype=torch.float64)
    excess, ray = free - 0.05, ray / ray.norm()
    off = excess - excess @ ray * ray
    if off.norm() < 1e-3:  # no gradient on the ray
        return
    (excess @ ray + theta * off.norm()).backward()
    found = weights(losses, shares=shares, ideal=ideal, theta=theta)
    torch.testing.assert_close(found, len(losses) * free.grad, rtol=1e-7, atol=1e-9)


@given(pair=some_pairs)
@few_examples
def test_without_penalty_pbi_has_constant_weights_in_the_proportions_of_the_preference(pair: tuple[list[float], ...]):
    losses, shares = pair
    preferred = torch.tensor(shares, dtype=torch.float64)
    found = weights(losses, shares=shares, theta=0)
    torch.testing.assert_close(found, len(losses) * preferred / preferred.norm())


@pytest.mark.parametrize("theta", [0.0, 5.0])
@pytest.mark.parametrize("far", [0.01, 1.0, 7.0])
def test_on_the_ray_pbi_has_constant_weights(far: float, theta: float):
    shares = [0.2, 0.5, 0.3]
    found = weights([0.1 + far * share for share in shares], shares=shares, ideal=[0.1] * 3, theta=theta)
    preferred = torch.tensor(shares, dtype=torch.float64)
    torch.testing.assert_close(found, 3 * preferred / preferred.norm())


def test_pbi_raises_a_loss_that_is_far_below_the_ray():
    found = weights([1.0, 0.1])
    torch.testing.assert_close(found, 2**0.5 * torch.tensor([1 + 5, 1 - 5], dtype=torch.float64))


def test_only_ratios_of_the_preference_matter():
    for form in ("pbi", "chebyshev"):
        one, other = (weights([0.3, 0.2], form=form, shares=shares) for shares in ([1, 3], [0.25, 0.75]))
        torch.testing.assert_close(one, other)


def test_chebyshev_weighs_the_worst_task_alone():
    assert weights([0.3, 0.2, 0.1], form="chebyshev", shares=[0.2, 0.4, 0.4]).tolist() == pytest.approx([0, 1.2, 0])
    found = weights([0.3, 0.2, 0.1], form="chebyshev", shares=[0.2, 0.4, 0.4], ideal=[0, 0.15, 0])
    assert found.tolist() == pytest.approx([0.6, 0, 0])


def test_tasks_that_are_equally_bad_share_the_weight():
    assert weights([0.5, 0.5, 0.1], form="chebyshev").tolist() == pytest.approx([0.5, 0.5, 0])


@given(pair=some_pairs)
@few_examples
def test_chebyshev_is_stch_in_the_limit_with_the_nadir_of_the_preference(pair: tuple[list[float], ...]):
    losses, shares = pair
    smooth = STCH(STCH.Params(mu=1e-9))
    smooth.setup(some_setting(len(losses)))
    nadir = sum(shares) / torch.tensor(shares, dtype=torch.float64)
    smooth.load_state_dict({**smooth.state_dict(), "nadir": nadir})
    step = loss_step(losses)
    step.losses = torch.tensor(losses, dtype=torch.float64).expand(2, -1)
    products = torch.tensor(losses, dtype=torch.float64) / nadir
    if products.topk(min(2, len(losses))).values.diff().abs().lt(1e-6).any():
        return
    expected = smooth.weigh(step) * products.max()
    torch.testing.assert_close(weights(losses, shares=shares, form="chebyshev"), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("form", ["pbi", "chebyshev"])
def test_tasks_that_are_not_seen_take_no_part(form: str):
    step = loss_step([0.3, 0.9, 0.1])
    step.mask = torch.tensor([True, False, True]).expand(2, -1)
    step.losses = torch.where(step.mask, step.losses, 0.0)
    found = started(3, form=form, shares=[0.3, 0.3, 0.4]).weigh(step).double()
    torch.testing.assert_close(found[[0, 2]], weights([0.3, 0.1], form=form, shares=[0.3, 0.4]), rtol=1e-5, atol=0)
    assert found[1] == 0


def test_there_are_as_many_shares_and_ideals_as_tasks():
    three = small_schema(("a", "b", "c"))
    assert started(3, shares=[1, 2, 3]).applicable(three, Backbone) is None
    assert started(3).applicable(three, Backbone) is None
    for params in ({"shares": (1, 2)}, {"ideal": (0.1,)}):
        reason = Preference(Preference.Params(**params)).applicable(three, Backbone)
        assert reason is not None
        assert "for 3 tasks (a, b, c)" in reason
