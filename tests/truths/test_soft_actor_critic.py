"""Truths of the soft actor-critic whose actions divide K among K tasks."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from mtlbench_plugins.critics.soft import TAU, ReplayBuffer, SoftActorCritic, log_density

CPU = torch.device("cpu")


@pytest.mark.parametrize("tasks", [2, 3, 5])
def test_the_density_of_an_action_is_that_of_the_log_ratios_and_their_jacobian(tasks: int):
    torch.manual_seed(tasks)
    mean, log_spread, noise = torch.randn(3, tasks, dtype=torch.float64)
    u = mean + log_spread.exp() * noise
    to_ratios = torch.eye(tasks, dtype=torch.float64)[:-1] - torch.eye(tasks, dtype=torch.float64)[-1]
    of_ratios = MultivariateNormal(to_ratios @ mean, to_ratios @ (2 * log_spread).exp().diag() @ to_ratios.T)

    def action(ratios: Tensor) -> Tensor:
        return tasks * torch.cat([ratios, torch.zeros(1, dtype=torch.float64)]).softmax(0)[:-1]

    ratios = to_ratios @ u
    jacobian = torch.autograd.functional.jacobian(action, ratios)
    expected = of_ratios.log_prob(ratios) - torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(log_density(u[None], noise[None], log_spread[None])[0], expected)


def test_of_one_task_the_action_is_sure():
    found = log_density(torch.randn(4, 1), torch.randn(4, 1), torch.randn(4, 1))
    torch.testing.assert_close(found, torch.zeros(4), atol=1e-5, rtol=0)


def test_a_full_buffer_forgets_the_oldest_and_an_unfilled_one_gives_what_it_has():
    buffer = ReplayBuffer(3, 1, CPU)
    for number in range(5):
        buffer.add(torch.tensor([float(number)]))
        assert buffer.fill == min(number + 1, 3) / 3
        assert set(buffer.sample(100).flatten().tolist()) == set(range(max(0, number - 2), number + 1))


def transitions(reward: Tensor, action: Tensor) -> Tensor:
    """Of a state that never changes."""
    state = torch.ones_like(action)
    return torch.cat([state, action, reward[:, None], state], 1)


def test_it_learns_to_prefer_what_is_rewarded():
    torch.manual_seed(0)
    agent = SoftActorCritic(2, 3e-3, CPU)
    for _ in range(80):
        action = 2 * torch.randn(64, 2).softmax(1)
        agent.learn(transitions(5 * action[:, 1], action))
    shares = torch.stack([agent.act(torch.ones(2)).softmax(0) for _ in range(50)])
    assert shares[:, 1].mean() > 0.8


@pytest.mark.parametrize(("log_spread", "sign"), [(-8.0, 1), (0.5, -1)])
def test_the_temperature_rises_while_the_policy_is_more_sure_than_its_target(log_spread: float, sign: int):
    torch.manual_seed(0)
    agent = SoftActorCritic(3, 1e-3, CPU)
    state = agent.state_dict()
    state["policy.log_spread.bias"].fill_(log_spread)
    agent.load_state_dict(state)
    agent.learn(transitions(torch.zeros(8), torch.ones(8, 3)))
    assert (agent.state_dict()["log_alpha"] - math.log(0.2)).sign() == sign


def test_the_targets_absorb_a_small_fraction_of_the_critics():
    torch.manual_seed(0)
    agent = SoftActorCritic(2, 1e-2, CPU)
    before = agent.state_dict()
    agent.learn(transitions(torch.ones(8), torch.ones(8, 2)))
    after = agent.state_dict()
    for name in before:
        if name.startswith("targets."):
            online = after[name.replace("targets.", "critics.")]
            assert not torch.equal(online, before[name])
            torch.testing.assert_close(after[name], before[name].lerp(online, TAU))
