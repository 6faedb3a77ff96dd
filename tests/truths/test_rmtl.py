"""Truths of RMTL critic weighting (SPEC section 6)."""

import copy
import math

import pytest
import torch
from continued import SMALL_CRITICS, continued, first_stage, make, small_trainer
from hypothesis import given
from hypothesis import strategies as st
from linear_backbone import LinearBackbone
from small_splits import small_schema, small_splits
from torch import nn

from mtlbench.api import Source, TrainingError
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.checkpoint import Checkpoint
from mtlbench_plugins.critics.learning import CriticLearner, soft_update
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import CLIP, replay, reward, with_noise
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.ddpg import DDPG
from mtlbench_plugins.weightings.loss_aware import LossAware
from mtlbench_plugins.weightings.rmtl import RMTL

SMALL = SMALL_CRITICS


@pytest.fixture(scope="module")
def stage_one() -> Checkpoint:
    return first_stage()


def test_lambda_zero_equals_constant_restarted_from_the_same_checkpoint_bit_for_bit(stage_one: Checkpoint):
    rmtl = continued(make(RMTL, lambda_=0.0, **SMALL), stage_one)
    constant = continued(make(Constant, restart=True), stage_one)
    assert rmtl.curve == constant.curve
    for (name, a), b in zip(rmtl.backbone.named_parameters(), constant.backbone.parameters(), strict=True):
        assert torch.equal(a, b), name


def test_lambda_above_zero_does_not(stage_one: Checkpoint):
    rmtl = continued(make(RMTL, **SMALL), stage_one)
    constant = continued(make(Constant, restart=True), stage_one)
    assert rmtl.curve != constant.curve


def test_loss_aware_at_lambda_zero_equals_constant_restarted(stage_one: Checkpoint):
    aware = continued(make(LossAware, lambda_=0.0), stage_one)
    constant = continued(make(Constant, restart=True), stage_one)
    assert aware.curve == constant.curve


def test_start_cells_are_the_plain_constant_cell():
    assert make(RMTL).warm_start() == make(DDPG).warm_start() == make(LossAware).warm_start() == Source("constant")
    assert make(Constant).warm_start() is None


def test_every_stage_counts_in_the_budget_and_says_who_paid(stage_one: Checkpoint):
    spend = continued(make(RMTL, **SMALL), stage_one).spend
    learnt = int((small_splits().train.session % 10 != 0).sum())
    assert [stage.stage for stage in spend] == ["train", "critics", "continue"]
    assert [stage.reused_from for stage in spend] == ["constant-cell", None, None]
    assert [stage.rows for stage in spend] == [3 * 240, 2 * learnt, 3 * 240]


def test_a_stage_that_never_improves_on_its_start_returns_the_start(stage_one: Checkpoint):
    unbeatable = Checkpoint(**{**vars(stage_one), "score": 1.0})
    further = continued(make(RMTL, **SMALL), unbeatable)
    assert further.best_epoch["continue"] == 0
    for name, value in further.backbone.state_dict().items():
        assert torch.equal(value, stage_one.backbone[name]), name


class FixedCritics(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, inputs, action):
        return torch.full_like(action, self.value)


@given(lambda_=st.floats(0, 1), cost=st.floats(0, 10))
def test_a_constant_critic_scales_the_loss(lambda_: float, cost: float):
    weighting = make(RMTL, lambda_=lambda_)
    weighting._critics = FixedCritics(-cost)
    step = small_trainer().step(torch.arange(32))
    loss = (weighting.weigh(step) * step.losses).mean()
    torch.testing.assert_close(loss, step.losses.mean() * (1 + lambda_ * cost))


@given(lambda_=st.floats(0, 2), seed=st.integers(0, 100))
def test_weights_are_at_least_one_and_carry_no_gradient(lambda_: float, seed: int):
    weighting = make(RMTL, lambda_=lambda_)
    torch.manual_seed(seed)
    weighting._critics = Critics(small_schema(), weighting.params).eval()
    weights = weighting.weigh(small_trainer().step(torch.arange(32)))
    assert weights.shape == (32, 2)
    assert not weights.requires_grad
    assert (weights >= 1).all()


@given(a=st.floats(0, 1), y=st.sampled_from([0.0, 1.0]))
def test_reward_is_minus_the_clipped_bce_of_the_action_and_bounded(a: float, y: float):
    clipped = min(max(a, CLIP), 1 - CLIP)
    expected = y * math.log(clipped) + (1 - y) * math.log(1 - clipped)
    value = reward(torch.tensor([a], dtype=torch.float64), torch.tensor([y], dtype=torch.float64)).item()
    assert value == pytest.approx(expected, abs=1e-12)
    assert -9.2104 <= value <= 0


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_replay_is_one_transition_per_row_with_the_reward_of_the_stored_action(noise: float):
    data = small_splits().train
    policy = torch.randn(len(data), 2).sigmoid()
    transitions = replay(data, with_noise(policy, noise))
    assert len(transitions) == len(data)
    assert transitions.done.sum() == data.session.max() + 1
    assert ((transitions.action >= 0) & (transitions.action <= 1)).all()
    assert torch.equal(transitions.reward, reward(transitions.action, data.labels))
    assert torch.equal(transitions.action, policy) == (noise == 0)


@given(tau=st.floats(0, 1), steps=st.integers(0, 12))
def test_soft_update_approaches_a_fixed_online_net_geometrically(tau: float, steps: int):
    online, target = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    first = copy.deepcopy(target)
    for _ in range(steps):
        soft_update(target, online, tau)
    for t, o, f in zip(target.parameters(), online.parameters(), first.parameters(), strict=True):
        torch.testing.assert_close(t, o + (1 - tau) ** steps * (f - o))


def test_soft_update_at_tau_one_copies_and_at_zero_freezes():
    online, target = nn.Linear(3, 2), nn.Linear(3, 2)
    before = copy.deepcopy(target)
    soft_update(target, online, 0.0)
    assert torch.equal(target.weight, before.weight)
    soft_update(target, online, 1.0)
    assert torch.equal(target.weight, online.weight)


def test_td_target_is_exactly_the_reward_at_the_end_of_a_session_and_bootstraps_elsewhere():
    learner = CriticLearner(small_trainer(), CriticParams(gamma=0.9, **SMALL))
    learner._target = FixedCritics(-2.0)
    transitions = replay(small_splits().train, torch.rand(240, 2))
    rows = torch.arange(240)
    target = learner._td_target(transitions, rows, None)
    done = transitions.done
    assert torch.equal(target[done], transitions.reward[done])
    torch.testing.assert_close(target[~done], transitions.reward[~done] - 1.8)


@pytest.mark.parametrize("gamma", [0.95, *(pytest.param(gamma, marks=pytest.mark.slow) for gamma in (0.0, 0.5))])
def test_critics_find_the_exact_discounted_values_of_a_tabular_mdp(gamma: float):
    """Two alternating states with rewards -1 and -0.25, in sessions of three rows."""
    import dataclasses

    from mtlbench.api import Field

    schema = small_schema(tasks=("click",), categorical=(Field("state", 6),), numerical=())
    rows = 6
    base = small_splits().train
    data = dataclasses.replace(
        base,
        categorical=torch.arange(rows).int().unsqueeze(1),
        numerical=torch.zeros(rows, 0),
        labels=torch.ones(rows, 1),
        position=torch.tensor([0, 1, 2] * 2),
        next_row=torch.tensor([1, 2, 2, 4, 5, 5]),
        done=torch.tensor([False, False, True] * 2),
    )
    rewards = torch.tensor([-1.0, -0.25, -1.0, -0.25, -1.0, -0.25])
    transitions = dataclasses.replace(replay(data, torch.full((rows, 1), 0.5)), reward=rewards.unsqueeze(1))
    splits = dataclasses.replace(small_splits(), schema=schema, train=data)
    subject = BackboneTrainer(LinearBackbone(small_schema()), splits, Training(batch_size=6, learning_rate=3e-3), 0)
    learner = CriticLearner(
        subject, CriticParams(gamma=gamma, dropout=0, embedding=8, bottom=(32,), tower=(16,), tau=0.2)
    )
    for _ in range(1500):
        learner.step(transitions, torch.arange(rows))
    values = learner.frozen()(data.inputs, transitions.action).squeeze(1)
    r = rewards.tolist()
    exact = []
    for a in (0, 3):
        last = r[a + 2]
        middle = r[a + 1] + gamma * last
        exact += [r[a] + gamma * middle, middle, last]
    torch.testing.assert_close(values, torch.tensor(exact), atol=0.03, rtol=0)


def test_a_dead_critic_fails_with_its_task_named():
    learner = CriticLearner(small_trainer(), CriticParams(**SMALL))
    dead = learner.critics.values[1]
    with torch.no_grad():
        for parameter in dead.tower.parameters():
            parameter.zero_()
    transitions = replay(small_splits().train, torch.rand(240, 2))
    with pytest.raises(TrainingError, match="dead critic for conversion"):
        learner.fit(transitions)


def test_td_loss_and_share_of_zero_values_are_reported(stage_one: Checkpoint):
    further = continued(make(RMTL, **SMALL), stage_one)
    assert len(further.curves["td_loss"]) == len(further.curves["td_loss_held_out"]) == 2
    assert all(0 <= share < 1 for share in further.diagnostics["q_zero_fraction"])


def test_ddpg_climbs_the_critics_value_of_its_actions(stage_one: Checkpoint):
    further = continued(make(DDPG, **SMALL), stage_one)
    assert [stage.stage for stage in further.spend] == ["train", "critics", "continue"]
    assert all(point.weights is None for point in further.curve)


def test_ddpg_with_an_overwhelming_pull_keeps_the_pretrained_parameters(stage_one: Checkpoint):
    further = continued(make(DDPG, actor_reg=1e6, **SMALL), Checkpoint(**{**vars(stage_one), "score": -1.0}))
    for name, value in further.backbone.state_dict().items():
        torch.testing.assert_close(value, stage_one.backbone[name], atol=0.05, rtol=0)


def test_critics_stop_when_held_out_sessions_no_longer_gain_and_keep_the_best_pass():
    """Labels that nothing predicts: what is learnt by heart helps no held-out session."""
    subject = small_trainer()
    params = CriticParams(gamma=0, embedding=8, bottom=(64,), tower=(16,), dropout=0, critic_epochs=50)
    learner = CriticLearner(subject, params)
    transitions = replay(small_splits().train, torch.rand(240, 2))
    learner.fit(transitions)
    judged = subject.curves["td_loss_held_out"]
    assert subject.diagnostics["critics_converged"] == 1
    assert len(judged) < 50
    rows = (small_splits().train.session % 10 == 0).nonzero().squeeze(1)
    assert learner._td_loss(transitions, rows) == pytest.approx(min(judged))
