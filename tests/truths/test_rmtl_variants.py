"""Truths of RMTL's variants, controls and transfer, and of the preset that follows the authors' code."""

import dataclasses

import pytest
import torch
from continued import SMALL_CRITICS, continued, first_stage, make, small_trainer
from small_splits import small_schema, small_splits

from mtlbench.api import Backbone, Inputs, Schema, Source, Split, Splits, Task, TrainingError, VectorField
from mtlbench.training.checkpoint import Checkpoint
from mtlbench_plugins.critics.diagnostics import discounted, report_truth, spearman
from mtlbench_plugins.critics.learning import CriticLearner, noisy
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import LARGEST_LOSS, replay, reward, rewards
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.rmtl import RMTL
from mtlbench_plugins.weightings.rmtl_official import RMTLOfficial


@pytest.fixture(scope="module")
def stage_one() -> Checkpoint:
    return first_stage()


@pytest.fixture(scope="module")
def plain(stage_one: Checkpoint) -> Checkpoint:
    """The checkpoint of an ``rmtl`` cell."""
    weighting = make(RMTL, **SMALL_CRITICS)
    return continued(weighting, stage_one).checkpoint("rmtl-cell", weighting.state_dict())


def weighed(step=None, **params):
    """Weights of one variant, the values they are made of, and the step."""
    weighting = make(RMTL, **params)
    torch.manual_seed(3)
    weighting._critics = Critics(small_schema(), weighting.params).eval()
    step = step or small_trainer().step(torch.arange(64))
    values = weighting._critics(step.inputs, step.logits.sigmoid()).detach()
    return weighting.weigh(step), values, step


def test_nlc_is_minus_q():
    weights, values, _ = weighed(variant="nlc")
    assert torch.equal(weights, -values)


def test_wl_is_one_where_the_label_is_zero_and_full_where_it_is_one():
    weights, values, step = weighed(variant="wl")
    assert torch.equal(weights[step.labels == 0], torch.ones(int((step.labels == 0).sum())))
    torch.testing.assert_close(weights[step.labels == 1], (1 - 0.7 * values)[step.labels == 1])


def test_shuffled_weights_are_the_same_weights_on_other_samples():
    full, _, step = weighed()
    shuffled, _, _ = weighed(step, control="shuffled")
    assert not torch.equal(full, shuffled)
    for k in range(2):
        assert torch.equal(full[:, k].sort().values, shuffled[:, k].sort().values)


def test_batch_mean_weights_are_the_mean_over_the_batch():
    full, _, step = weighed()
    mean, _, _ = weighed(step, control="batch-mean")
    torch.testing.assert_close(mean, full.mean(0))


def test_shuffled_and_batch_mean_use_the_critics_of_the_method_and_count_their_training(
    stage_one: Checkpoint, plain: Checkpoint
):
    for control in ("shuffled", "batch-mean"):
        weighting = make(RMTL, control=control, **SMALL_CRITICS)
        assert weighting.source() == Source(
            "rmtl", {**weighting.params.model_dump(by_alias=True, mode="json"), "control": "none"}
        )
        trainer = continued(weighting, stage_one, plain)
        assert [stage.stage for stage in trainer.spend] == ["train", "critics", "continue"]
        assert [stage.reused_from for stage in trainer.spend] == ["constant-cell", "rmtl-cell", None]
        for name, value in weighting.state_dict().items():
            assert torch.equal(value, plain.weighting[name])


def test_untrained_critics_cost_nothing_and_are_those_of_the_start(stage_one: Checkpoint):
    weighting = make(RMTL, control="untrained", **SMALL_CRITICS)
    trainer = continued(weighting, stage_one)
    assert [stage.stage for stage in trainer.spend] == ["train", "continue"]
    fresh = CriticLearner(small_trainer(), weighting.params).critics.state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in weighting.state_dict().items())


def test_critics_borrowed_from_the_own_backbone_give_the_methods_own_result(stage_one: Checkpoint, plain: Checkpoint):
    own = continued(make(RMTL, **SMALL_CRITICS), stage_one)
    weighting = make(RMTL, critic_from="linear", **SMALL_CRITICS)
    assert weighting.source().backbone == "linear"
    assert weighting.source().params["critic_from"] is None
    borrowed = continued(weighting, stage_one, plain)
    assert borrowed.curve == own.curve
    assert [stage.stage for stage in borrowed.spend] == ["train", "train", "critics", "continue"]


def test_stage_three_afresh_under_lambda_zero_is_the_training_of_constant(stage_one: Checkpoint, plain: Checkpoint):
    afresh = continued(make(RMTL, stage3="afresh", lambda_=0.0, **SMALL_CRITICS), stage_one, plain)
    assert [stage.stage for stage in afresh.spend] == ["train", "critics", "train"]
    constant = small_trainer()
    make(Constant).fit(constant)
    assert afresh.curve == constant.curve


def test_forgetting_the_best_score_keeps_the_first_epoch_whatever_it_did(stage_one: Checkpoint):
    unbeatable = dataclasses.replace(stage_one, score=1.0)
    assert continued(make(RMTL, **SMALL_CRITICS), unbeatable).best_epoch["continue"] == 0
    assert continued(make(RMTL, forget_best=True, **SMALL_CRITICS), unbeatable).best_epoch["continue"] > 0


def test_constant_trains_on_for_as_long_as_the_other_method_took(stage_one: Checkpoint, plain: Checkpoint):
    weighting = make(Constant, seconds_of="rmtl")
    assert weighting.warm_start() == Source("constant", {"weights": ()})
    assert weighting.source() == Source("rmtl")
    allowed = sum(stage.seconds for stage in stage_one.spend) + 0.3
    source = dataclasses.replace(plain, spend=[dataclasses.replace(plain.spend[0], seconds=allowed)])
    trainer = continued(weighting, stage_one, source)
    assert [stage.stage for stage in trainer.spend] == ["train", "continue"]
    assert allowed <= sum(stage.seconds for stage in trainer.spend) < allowed + 5
    spent = dataclasses.replace(plain, spend=[dataclasses.replace(plain.spend[0], seconds=0.0)])
    assert [stage.stage for stage in continued(make(Constant, seconds_of="rmtl"), stage_one, spent).spend] == ["train"]


def test_the_controls_take_the_critic_away_in_every_way():
    controls = make(RMTL).controls()
    said = [(source.weighting, source.params.get("control"), source.params.get("gamma")) for source in controls]
    assert said == [
        ("constant", None, None),
        ("constant", None, None),
        ("loss-aware", None, None),
        ("rmtl", "shuffled", 0.95),
        ("rmtl", "batch-mean", 0.95),
        ("rmtl", "untrained", 0.95),
        ("rmtl", "none", 0.0),
    ]
    assert make(RMTL, control="shuffled").controls() == ()


def test_critics_without_the_user_do_not_see_the_user():
    schema = dataclasses.replace(small_schema(), user_inputs=("user", "age"))
    torch.manual_seed(0)
    critics = Critics(schema, CriticParams(**SMALL_CRITICS), hidden=schema.user_inputs).eval()
    data = small_splits().train
    action = torch.full((240, 2), 0.3)
    categorical, numerical = data.categorical.clone(), data.numerical.clone()
    categorical[:, 0], numerical[:, 0] = 0, 0.0
    assert torch.equal(critics(Inputs(categorical, numerical), action), critics(data.inputs, action))
    categorical[:, 1] = 0
    assert not torch.equal(critics(Inputs(categorical, numerical), action), critics(data.inputs, action))


@pytest.mark.parametrize("hidden", [True, False])
def test_critics_see_vectors_unless_they_are_the_users(hidden: bool):
    schema = dataclasses.replace(small_schema(), vectors=(VectorField("a", 4), VectorField("b", 3)))
    torch.manual_seed(0)
    critics = Critics(schema, CriticParams(**SMALL_CRITICS), hidden=("user", "a") if hidden else ()).eval()
    data, action = small_splits().train, torch.full((240, 2), 0.3)
    inputs = dataclasses.replace(data.inputs, vectors=(torch.randn(240, 4), torch.randn(240, 3)))
    one = dataclasses.replace(inputs, vectors=(-inputs.vectors[0], inputs.vectors[1]))
    other = dataclasses.replace(inputs, vectors=(inputs.vectors[0], -inputs.vectors[1]))
    assert torch.equal(critics(inputs, action), critics(one, action)) == hidden
    assert not torch.equal(critics(inputs, action), critics(other, action))


def reason(schema: Schema, **params: object) -> str | None:
    return make(RMTL, **params).applicable(schema, Backbone)


def test_a_state_without_the_user_needs_to_know_who_that_is_and_something_besides():
    assert reason(small_schema()) is None
    assert "does not say which" in reason(small_schema(), state="no-user")
    known = small_schema(user_inputs=("user",))
    assert reason(known, state="no-user") is None
    everything = small_schema(user_inputs=("user", "item", "hour", "age", "price"))
    assert "all inputs" in reason(everything, state="no-user")


@pytest.mark.parametrize("critics", ["shared", "separate"])
def test_separate_critics_share_no_parameter_and_shared_ones_their_bottom(critics: str):
    module = Critics(small_schema(), CriticParams(**SMALL_CRITICS), shared=critics == "shared").eval()
    data = small_splits().train
    first = module(data.inputs, torch.full((240, 2), 0.5))[:, 0].sum()
    parameters = dict(module.named_parameters())
    found = torch.autograd.grad(first, list(parameters.values()), materialize_grads=True)
    reached = {name for name, gradient in zip(parameters, found, strict=True) if gradient.any()}
    others = {name for name in parameters if name not in reached}
    assert any(name.startswith("values.1") for name in others)
    assert any(name.startswith("states") for name in others) == (critics == "separate")


def test_inverse_class_frequency_weighs_both_classes_alike():
    learner = CriticLearner(small_trainer(), CriticParams(ips=True, **SMALL_CRITICS))
    labels = small_splits().train.labels
    negative, positive = learner._class_weight
    weights = torch.where(labels > 0, positive, negative)
    torch.testing.assert_close((weights * labels).sum(0), (weights * (1 - labels)).sum(0))
    torch.testing.assert_close(weights.mean(0), torch.ones(2))


def test_the_buffer_keeps_the_latest_transitions(stage_one: Checkpoint):
    transitions = replay(small_splits().train, torch.rand(240, 2), buffer=100)
    assert transitions.kept.nonzero().squeeze(1).tolist() == list(range(140, 240))
    spend = continued(make(RMTL, buffer=100, **SMALL_CRITICS), stage_one).spend[1]
    latest = small_splits().train.session[140:]
    assert spend.rows == 2 * int((latest % 10 != 0).sum())


def test_rewards_of_halved_actions_are_those_of_a_half_plus_half_the_action():
    action = torch.rand(240, 2)
    data = small_splits().train
    transitions = replay(data, action, reward((1 + action) / 2, data.labels))
    assert torch.equal(transitions.action, action)
    assert torch.equal(transitions.reward, reward((1 + action) / 2, data.labels))


def mixed_splits() -> Splits:
    """Small splits of a binary, a nonnegative and a real task."""
    schema = small_schema(("click", "watch", "rating"), parallel=True)
    kinds = (Task("click"), Task("watch", "nonnegative"), Task("rating", "real"))
    splits = small_splits(schema)

    def mixed(split: Split) -> Split:
        amounts = torch.stack([split.labels[:, 0], split.labels[:, 1] * 40, split.numerical[:, 0] * 3 + 100], dim=1)
        return dataclasses.replace(split, labels=amounts)

    parts = {name: mixed(split) for name, split in splits.parts().items()}
    return dataclasses.replace(splits, schema=dataclasses.replace(schema, tasks=kinds), **parts)


def test_a_task_that_is_not_binary_is_rewarded_by_minus_its_loss_down_to_the_bound_of_a_binary_one():
    splits = mixed_splits()
    trainer = small_trainer(splits=splits)
    logits = torch.cat([torch.randn(230, 3), torch.full((10, 3), 9.0)])
    found = rewards(trainer, logits.sigmoid())
    assert torch.equal(found[:, 0], reward(logits.sigmoid(), splits.train.labels)[:, 0])
    rating = splits.train.labels[:, 2].double()
    squared = (logits[:, 2] - (rating - rating.mean()) / rating.std(correction=0)).square()
    torch.testing.assert_close(found[:, 2], -squared.clamp(max=LARGEST_LOSS).float(), rtol=1e-3, atol=1e-3)
    assert (found <= 0).all()
    assert found.min() == pytest.approx(-LARGEST_LOSS)
    step = trainer.step(torch.arange(240))
    own = rewards(trainer, step.logits.detach().sigmoid())
    torch.testing.assert_close(own[:, 1:], -step.losses[:, 1:].detach().clamp(max=LARGEST_LOSS), rtol=1e-3, atol=1e-3)


def test_options_that_read_labels_as_0_and_1_refuse_other_tasks():
    schema = mixed_splits().schema
    assert make(RMTL).applicable(schema, Backbone) is None
    for option in ({"variant": "wl"}, {"halved_rewards": True}, {"ips": True}):
        assert "is for binary tasks alone, and 'watch' is nonnegative" in make(RMTL, **option).applicable(
            schema, Backbone
        )


def test_noisy_ids_are_small_integers_that_lose_what_an_id_said():
    ids = torch.randint(1000, (512, 2), dtype=torch.int32)
    changed = noisy(ids, torch.tensor([999, 999], dtype=torch.int32))
    assert changed.dtype == ids.dtype
    assert 0 <= int(changed.min()) <= int(changed.max()) <= 4


@pytest.mark.parametrize(("hidden", "most"), [((), 15), (("user", "age"), 15), (("item",), 14)])
def test_a_noisy_id_is_a_row_of_the_table_however_far_it_lies_from_the_mean(hidden: tuple[str, ...], most: int):
    """One other id in 240 equal ones lies fifteen standard deviations from the mean, in fields of 11, 7 and 4 ids."""
    splits = small_splits(small_schema(user_inputs=hidden))
    ids = torch.ones(240, 3, dtype=torch.int32)
    ids[7] = 2
    splits = dataclasses.replace(splits, train=dataclasses.replace(splits.train, categorical=ids))
    params = CriticParams(**{**SMALL_CRITICS, "noisy_ids": True, "state": "no-user" if hidden else "all"})
    trainer = small_trainer(splits=splits)
    learner = CriticLearner(trainer, params)
    assert torch.isfinite(learner.step(replay(splits.train, torch.rand(240, 2)), torch.arange(240)))
    user, item, hour = learner._state(torch.arange(240)).categorical[7].tolist()
    assert (user, item, hour) == (most, 10, 3)


def test_critics_may_take_batches_of_their_own_size(stage_one: Checkpoint):
    spend = continued(make(RMTL, critic_batch_size=20, **SMALL_CRITICS), stage_one).spend[1]
    assert spend.steps == 2 * 12


def test_without_a_rule_of_convergence_all_passes_are_made_and_the_last_is_kept():
    trainer = small_trainer()
    params = CriticParams(**{**SMALL_CRITICS, "epsilon": None, "critic_epochs": 6, "bottom": (64,), "gamma": 0.0})
    learner = CriticLearner(trainer, params)
    transitions = replay(small_splits().train, torch.rand(240, 2))
    learner.fit(transitions)
    judged = trainer.curves["td_loss_held_out"]
    assert len(judged) == 6
    held_out = (small_splits().train.session % 10 == 0).nonzero().squeeze(1)
    assert learner._td_loss(transitions, held_out) == pytest.approx(judged[-1])


def test_a_runaway_td_loss_fails_with_the_losses_and_a_remedy():
    learner = CriticLearner(small_trainer(), CriticParams(**SMALL_CRITICS))
    losses, judged = iter([0.5, 5.1]), iter([3.0, 2.0])
    learner._one_pass = lambda transitions, batches, spend: next(losses)
    learner._td_loss = lambda transitions, rows: next(judged)
    with pytest.raises(
        TrainingError, match=r"diverged: the TD loss is 5\.1 in pass 2 after 0\.5 in the first; lower gamma"
    ):
        learner.fit(replay(small_splits().train, torch.rand(240, 2)))


def test_the_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    a, b = torch.rand(50), torch.randint(4, (50,)).float()
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert spearman(a, torch.zeros(50)) == 0


def test_the_correlation_of_values_with_losses_is_recorded(stage_one: Checkpoint):
    found = continued(make(RMTL, **SMALL_CRITICS), stage_one).diagnostics["q_loss_correlation"]
    assert len(found) == 2
    assert all(-1 <= value <= 1 for value in found)


def test_the_official_preset_is_the_method_with_other_defaults_under_another_name(stage_one: Checkpoint):
    assert RMTLOfficial.name != RMTL.name
    assert RMTLOfficial.method("PLE") == "RMTL-Official-PLE"
    paper, official = RMTL.Params().model_dump(), RMTLOfficial.Params().model_dump()
    assert paper.keys() == official.keys()
    changed = {name: value for name, value in official.items() if value != paper[name]}
    assert changed == {
        "gamma": 0.9,
        "tau": 0.2,
        "target_every": 2,
        "critics": "separate",
        "state": "no-user",
        "epsilon": None,
        "critic_epochs": 96,
        "critic_batch_size": 2048,
        "buffer": 500_000,
        "noisy_ids": True,
        "actions": "uniform",
        "halved_rewards": True,
        "fresh_optimiser": True,
        "forget_best": True,
        "noisy_weights": True,
        "lambda_": 1.0,
        "next_action": "actor",
        "td_target": "min",
        "action_layer": "bottom",
        "critic_embeddings": "pretrained",
    }
    same = continued(make(RMTLOfficial, **{**paper, **SMALL_CRITICS, "lambda_": 0.7}), stage_one)
    assert same.curve == continued(make(RMTL, **SMALL_CRITICS), stage_one).curve
    trainer = continued(
        make(RMTLOfficial, **{**SMALL_CRITICS, "state": "all", "critic_embeddings": "fresh"}), stage_one
    )
    assert trainer.best_epoch["continue"] > 0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.95])
def test_discounted_sums_are_those_along_each_session(gamma: float):
    data = small_splits().train
    rewards = -torch.rand(240, 2)
    found = discounted(rewards, data, gamma)
    expected = torch.zeros(240, 2)
    for row in range(239, -1, -1):
        expected[row] = rewards[row] + (0 if data.done[row] else gamma * expected[row + 1])
    torch.testing.assert_close(found, expected)


def test_critics_that_know_the_truth_rank_with_it_perfectly():
    trainer = small_trainer()
    data = trainer.data
    truth = torch.rand(240, 2, dtype=torch.float64)
    trainer.data = dataclasses.replace(data, optimum=truth)
    action = torch.rand(240, 2)
    values = discounted(reward(action, truth.float()), data, 0.9)
    report_truth(trainer, values, action, 0.9)
    assert trainer.diagnostics["q_truth_correlation"] == pytest.approx([1, 1])
    assert trainer.diagnostics["q_truth_correlation_low"] == pytest.approx([1, 1])
    report_truth(trainer, torch.rand(240, 2), action, 0.9)
    assert all(abs(value) < 0.5 for value in trainer.diagnostics["q_truth_correlation"])
