"""Truths of the running mean of the weights, the option ``smooth`` (SPEC-METHODS 1.12, CR-MOGM)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import exact_step, started, weights
from torch import Tensor

from mtlbench import api
from mtlbench.discovery import discover
from mtlbench_plugins.weightings._smooth import Smoothed
from mtlbench_plugins.weightings.dualproj import DualProj

METHODS = {name: entry.cls for name, entry in discover(()).weightings.items() if issubclass(entry.cls, Smoothed)}
TASKS, STEPS = 6, 50
every_method = pytest.mark.parametrize("name", sorted(METHODS))


def walk(method: api.Weighting, steps: int, start: int = 0) -> Tensor:
    """Weights (T, K) of steps of random gradients."""
    found = []
    for number in range(start, start + steps):
        torch.manual_seed(number)
        found.append(weights(method, gradients(TASKS, 9, number)))
    return torch.stack(found)


def test_the_oracle():
    method = started(DualProj, 3, smooth=0.9)
    first = [[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]]
    second = [[0.5, 0.5, 0], [0, 1, 1], [0.1, -0.9, 0.1]]
    assert weights(method, torch.tensor(first)).tolist() == [1, 1, 1]
    expected = torch.tensor([1, 1, 1.044578313], dtype=torch.float64)
    torch.testing.assert_close(weights(method, torch.tensor(second)).double(), expected, rtol=1e-7, atol=0)


def test_methods_that_solve_for_their_weights_in_each_step_have_it():
    assert {"mgda", "cagrad", "dualproj", "upgrad", "pcgrad", "nash-mtl"} < METHODS.keys()


@every_method
@pytest.mark.parametrize(("alpha", "steps"), [(0.8, STEPS), (0.0, 5), (1.0, 5)])
def test_the_weights_are_those_of_a_plain_loop(name: str, alpha: float, steps: int):
    plain = walk(started(METHODS[name], TASKS), steps)
    mean, expected = plain[0], []
    for of_step in plain:
        mean = of_step if alpha == 0 else alpha * mean + (1 - alpha) * of_step
        expected.append(mean)
    found = walk(started(METHODS[name], TASKS, smooth=alpha), steps)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-12)


@every_method
def test_at_its_default_it_is_no_part_of_what_identifies_a_result(name: str):
    assert "smooth" not in api.identifying(METHODS[name].Params())
    assert api.identifying(METHODS[name].Params(smooth=0.5))["smooth"] == 0.5
    assert "smoothed" not in started(METHODS[name], TASKS).state_dict()


@every_method
def test_the_mean_is_in_the_state_beside_the_methods_own(name: str):
    one, other = (started(METHODS[name], TASKS, smooth=0.7) for _ in range(2))
    walk(one, 3)
    other.load_state_dict({key: value.clone() for key, value in one.state_dict().items()})
    assert torch.equal(walk(one, 3, start=3), walk(other, 3, start=3))


class Given(Smoothed):
    """Gives the losses as weights."""

    name, label = "given", "Given"

    def solve(self, step: api.Step) -> Tensor:
        return step.losses[0]


def of(losses: list[float], seen: list[bool]) -> api.Step:
    step = exact_step(torch.ones(3, 2), torch.tensor(losses).expand(2, -1))
    step.mask = torch.tensor(seen).expand(2, -1)
    return step


def test_the_mean_of_a_task_waits_while_it_is_not_seen_and_begins_with_its_first_weight():
    method = started(Given, 3, smooth=0.5)
    assert method.weigh(of([1, 2, 7], [True, True, False])).tolist() == [1, 2, 7]
    assert method.weigh(of([3, 9, 4], [True, False, True])).tolist() == [2, 9, 4]
    assert method.weigh(of([2, 4, 8], [True, True, True])).tolist() == [2, 3, 6]


def test_weights_that_never_change_stay_as_they_are():
    method = started(Given, 3, smooth=0.9)
    assert all(method.weigh(of([1, 1, 1], [True] * 3)).tolist() == [1, 1, 1] for _ in range(3))
