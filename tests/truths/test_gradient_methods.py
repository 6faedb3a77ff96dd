"""Truths that every weighting of task gradients obeys (SPEC section 6), whatever its formula."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import applied, exact_step, started
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtlbench import api
from mtlbench.discovery import discover
from mtlbench.training import TASK_GRADIENTS

CATALOGUE = discover(()).weightings
METHODS = {name: entry.cls for name, entry in CATALOGUE.items() if entry.cls.needs & TASK_GRADIENTS}
RANDOM_ORDER = {"pcgrad", "gradvac"}
"""They go through the other tasks in random order, which matters for three tasks and more."""

SCALED = {"adatask", "moco", "modo", "pcd"}
"""They have a scale of their own: of an eps, or of a step size."""

every_method = pytest.mark.parametrize("name", sorted(METHODS))
few_examples = settings(max_examples=12)
seeds = st.integers(0, 10**6)


def assert_parallel(direction: Tensor, gradient: Tensor) -> None:
    assert direction.isfinite().all()
    torch.testing.assert_close(direction / direction.norm(), gradient / gradient.norm(), rtol=1e-6, atol=1e-6)


def adam(gradient: Tensor) -> Tensor:
    """The first step of Adam, at learning rate 1."""
    return gradient / (gradient.abs() + 1e-8)


@every_method
@given(seed=seeds, tasks=st.integers(1, 5))
@few_examples
def test_identical_tasks_are_descended_along_their_gradient(name: str, seed: int, tasks: int):
    method = started(METHODS[name], tasks)
    shared = gradients(1, 6, seed).expand(tasks, -1)
    expected = adam(shared[0]) if name == "adatask" else shared[0]
    for number in range(3):
        assert_parallel(applied(method, shared, number=number), expected)


@every_method
@given(seed=seeds)
@few_examples
def test_a_single_task_is_descended_along_its_gradient(name: str, seed: int):
    gradient = gradients(1, 6, seed)
    expected = adam(gradient[0]) if name == "adatask" else gradient[0]
    assert_parallel(applied(started(METHODS[name], 1), gradient), expected)


@every_method
@given(seed=seeds, tasks=st.integers(2, 5), data=st.data())
@few_examples
def test_the_order_of_the_tasks_does_not_matter(name: str, seed: int, tasks: int, data: st.DataObject):
    tasks = 2 if name in RANDOM_ORDER else tasks
    order = list(data.draw(st.permutations(range(tasks))))
    names = tuple("abcde"[:tasks])
    params = {"target": "b"} if name in {"metabalance", "pcd"} else {}
    plain, permuted = (
        started(METHODS[name], names, **params),
        started(METHODS[name], tuple(names[k] for k in order), **params),
    )
    for number in range(3):
        g = gradients(tasks, 7, seed + number)
        losses = torch.rand(4, tasks, generator=torch.Generator().manual_seed(seed)) + 0.1
        torch.manual_seed(seed)
        one = applied(plain, g, losses, number)
        torch.manual_seed(seed)
        other = applied(permuted, g[order], losses[:, order], number)
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-8)


@every_method
@given(seed=seeds, tasks=st.integers(1, 5), data=st.data())
@few_examples
def test_tasks_without_gradient_give_a_finite_direction(name: str, seed: int, tasks: int, data: st.DataObject):
    method = started(METHODS[name], tasks)
    without = data.draw(st.sets(st.integers(0, tasks - 1)))
    for number in range(3):
        g = gradients(tasks, 6, seed + number)
        g[list(without)] = 0
        losses = torch.ones(4, tasks)
        losses[:, list(without)] = 0
        assert applied(method, g, losses, number).isfinite().all()


@every_method
@given(seed=seeds, tasks=st.integers(2, 5))
@few_examples
def test_opposed_gradients_give_a_finite_direction(name: str, seed: int, tasks: int):
    g = gradients(tasks, 6, seed)
    g[1] = -g[0]
    method = started(METHODS[name], tasks)
    assert all(applied(method, g, number=number).isfinite().all() for number in range(3))


@pytest.mark.parametrize("name", sorted(METHODS.keys() - SCALED))
@given(seed=seeds, tasks=st.integers(2, 5))
@few_examples
def test_gradients_that_are_a_billion_times_smaller_are_descended_alike(name: str, seed: int, tasks: int):
    big, small = started(METHODS[name], tasks), started(METHODS[name], tasks)
    g = gradients(tasks, 6, seed)
    torch.manual_seed(seed)
    expected = applied(big, g)
    torch.manual_seed(seed)
    assert_parallel(applied(small, g * 1e-9), expected)


@every_method
def test_the_recorded_weights_are_finite_and_one_per_task(name: str):
    found = started(METHODS[name], 3).weigh(exact_step(gradients(3, 6, 0)))
    assert found.shape == (3,)
    assert found.isfinite().all()


@every_method
def test_state_taken_over_gives_the_same_steps(name: str):
    steps = [exact_step(gradients(3, 6, seed), torch.rand(4, 3) + 0.5, seed) for seed in range(6)]
    one, other = started(METHODS[name], 3), started(METHODS[name], 3)
    for step in steps[:3]:
        one.weigh(step)
    state = one.state_dict()
    other.load_state_dict(state)
    kept = {key: value.clone() for key, value in state.items()}
    for step in steps[3:]:
        torch.manual_seed(0)
        expected = one.weigh(step)
        torch.manual_seed(0)
        assert torch.equal(other.weigh(step), expected)
    assert all(torch.equal(value, kept[key]) for key, value in state.items())


@every_method
def test_the_gradients_are_left_as_they_are(name: str):
    step = exact_step(gradients(3, 6, 0))
    before = {key: [gradient.clone() for gradient in of_tensor] for key, of_tensor in step.jacobian.items()}
    started(METHODS[name], 3).weigh(step)
    for key, of_tensor in step.jacobian.items():
        assert all(torch.equal(gradient, kept) for gradient, kept in zip(of_tensor, before[key], strict=True))


@every_method
def test_gradients_that_are_not_finite_end_the_training_with_a_reason(name: str):
    g = gradients(2, 6, 0)
    g[1, 2] = torch.nan
    if name == "excess-mtl":  # it reads no inner products; the trainer sees what comes of it
        assert started(METHODS[name], 2).weigh(exact_step(g)).isnan().all()
        return
    with pytest.raises(api.TrainingError, match=r"training diverged.*--learning-rate"):
        started(METHODS[name], 2).weigh(exact_step(g))
