"""Truths of IGB v2 (SPEC-METHODS 1.4)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting
from torch import Tensor

from mtlbench.api import NoParams
from mtlbench_plugins.weightings.igb_v2 import LARGEST, IGBv2
from mtlbench_plugins.weightings.rlw import RLW

some_losses = st.lists(st.floats(1e-2, 1e2), min_size=3, max_size=3)


def started(tasks: int = 3, seed: int = 0, **params: int) -> IGBv2:
    torch.manual_seed(seed)
    method = IGBv2(IGBv2.Params(**params))
    method.setup(some_setting(tasks))
    return method


def taken(method: IGBv2, losses: list[float] | Tensor) -> Tensor:
    """The weights of one step."""
    step = loss_step(losses)
    weights = method.weigh(step)
    method.after_step(step)
    return weights.double()


def based(base: list[float], **params: int) -> IGBv2:
    """After one epoch of one step, which had the losses ``base``."""
    method = started(len(base), base_epoch=1, **params)
    taken(method, base)
    method.end_epoch(1)
    return method


def transitions(method: IGBv2) -> Tensor:
    """In the order in which they were made."""
    state = method.state_dict()
    return state["buffer.rows"][: state["buffer.added"]]


def rewards(method: IGBv2) -> list[float]:
    rows = transitions(method)
    return rows[:, 2 * (rows.shape[1] // 3)].tolist()


@given(losses=some_losses, epochs=st.integers(0, 3))
@settings(max_examples=8)
def test_the_weighted_losses_sum_to_the_number_of_tasks(losses: list[float], epochs: int):
    method = started(start_epoch=2, base_epoch=1, update_every=1000)
    for epoch in range(epochs):
        taken(method, losses)
        method.end_epoch(epoch + 1)
    total = taken(method, losses) @ loss_step(losses).losses[0].double()
    torch.testing.assert_close(total, torch.tensor(3.0, dtype=torch.float64), rtol=1e-5, atol=0)


def test_until_the_actor_acts_the_shares_are_those_of_random_weighting():
    method = started(start_epoch=2, base_epoch=1)
    losses = torch.tensor([0.2, 0.05, 0.4])
    alike = []
    for epoch in (1, 2, 3):
        torch.manual_seed(epoch)
        shares = taken(method, losses) * losses / 3
        torch.manual_seed(epoch)
        alike.append(torch.allclose(shares, RLW(NoParams()).weigh(loss_step(losses)).double(), atol=1e-6))
        method.end_epoch(epoch)
    assert alike == [True, True, False]


def test_the_actor_waits_for_the_bases():
    method, losses = started(start_epoch=1, base_epoch=3), [0.2, 0.05, 0.4]
    for epoch in (1, 2, 3):
        torch.manual_seed(epoch)
        weights = taken(method, losses)
        torch.manual_seed(epoch)
        expected = 3 * torch.randn(3).softmax(0).double() / torch.tensor(losses).double()
        torch.testing.assert_close(weights, expected, rtol=1e-6, atol=0)
        assert rewards(method) == []
        method.end_epoch(epoch)


def test_a_transition_holds_losses_by_base_the_weights_and_the_reward():
    method = based([0.5, 0.25])
    first = taken(method, [0.25, 0.5])
    taken(method, [0.125, 0.125])
    rows = transitions(method)
    assert rows[0, :2].tolist() == [1, 1]  # the step at whose end the base was set
    assert rows[0, 5:].tolist() == rows[1, :2].tolist() == [0.5, 2]
    torch.testing.assert_close(rows[1, 2:4].double(), first * torch.tensor([0.25, 0.5]))
    assert rows[1, 5:].tolist() == [0.25, 0.5]
    assert rewards(method) == [min(1 - 0.5, 1 - 2), min(0.5 - 0.25, 2 - 0.5)]


def test_losses_that_stay_earn_nothing_and_one_task_alone_cannot_earn():
    method = based([0.5, 0.25])
    for losses in ([0.5, 0.25], [0.5, 0.125], [0.625, 0.03125]):
        taken(method, losses)
    assert rewards(method) == [0, 0, -0.25]


@given(losses=st.lists(some_losses, min_size=2, max_size=3), factor=st.sampled_from([1 / 64, 0.5, 16.0]))
@settings(max_examples=6)
def test_rescaling_a_task_changes_no_reward_and_divides_its_weight(losses: list[list[float]], factor: float):
    scale = torch.tensor([factor, 1, 1])
    plain, scaled = based([1.0, 1.0, 1.0], start_epoch=1), based(scale.tolist(), start_epoch=1)
    for number, each in enumerate(losses):
        torch.manual_seed(number)
        expected = taken(plain, each) / scale
        torch.manual_seed(number)
        torch.testing.assert_close(taken(scaled, torch.tensor(each) * scale), expected, rtol=1e-5, atol=0)
    assert rewards(scaled) == rewards(plain)


def test_a_loss_far_above_its_base_counts_as_the_largest():
    method = based([0.0, 1.0])
    taken(method, [1.0, 1.0])
    assert rewards(method) == [-LARGEST]


def unseen(losses: list[float], task: int) -> Tensor:
    """A step in which a task has no observed label."""
    step = loss_step(losses)
    step.mask = torch.ones_like(step.losses, dtype=torch.bool)
    step.mask[:, task] = False
    step.losses = torch.where(step.mask, step.losses, 0.0)
    return step


def test_a_task_that_is_not_seen_keeps_its_loss_and_takes_no_part_in_the_reward():
    method = based([1.0, 1.0])
    method.weigh(unseen([0.5, 0.75], 1))
    method.weigh(unseen([0.5, 0.25], 0))
    assert rewards(method) == [0.5, 0.75]
    assert method.state_dict()["losses"].tolist() == [0.5, 0.25]


def test_it_learns_in_rounds_once_there_are_transitions():
    method = started(base_epoch=2, update_after=1, update_every=4)
    learnt, steps = [], 0

    def updates() -> int:
        return int(method.state_dict().get("agent.adam0.0.step", torch.tensor(0)))

    for epoch in (1, 2, 3):
        for _ in range(6):
            before = updates()
            taken(method, [0.3, 0.2, 0.1])
            if updates() > before:
                learnt.append((steps, updates() - before))
            steps += 1
        method.end_epoch(epoch)
    assert learnt == [(12, 2), (16, 2)]


def test_it_goes_on_from_its_state_in_the_midst_of_learning():
    one, other = (started(seed=seed, base_epoch=1, start_epoch=1, update_every=3, buffer=5) for seed in (0, 1))

    def walk(method: IGBv2, epochs: range) -> list[Tensor]:
        given = []
        for epoch in epochs:
            for number in range(4):
                torch.manual_seed(10 * epoch + number)
                given.append(taken(method, 1 / (torch.rand(3) + epoch)))
            method.end_epoch(epoch)
        return given

    walk(one, range(1, 4))
    state = one.state_dict()
    kept = {name: value.clone() for name, value in state.items()}
    other.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(walk(one, range(4, 6)), walk(other, range(4, 6)), strict=True))
    assert all(torch.equal(state[name], value) for name, value in kept.items())


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_any_number_of_tasks_can_learn(tasks: int):
    method = started(tasks, base_epoch=1, start_epoch=1, update_every=2)
    for epoch in (1, 2):
        for _ in range(3):
            weights = taken(method, torch.rand(tasks) + 0.1)
        method.end_epoch(epoch)
    assert (weights > 0).all()
