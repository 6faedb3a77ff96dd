"""Truths of what the code of RMTL's authors does and their paper does not say, each point against a hand-made case."""

import dataclasses

import pytest
import torch
from continued import SMALL_CRITICS, TRAINING, continued, first_stage, make, small_trainer
from small_splits import small_schema, small_splits
from torch import Tensor, nn

from mtlbench.api import Backbone, BagField, Schema, TrainingError, identifying
from mtlbench.config.specs import resolve
from mtlbench.discovery import discover
from mtlbench.nn import FieldEmbedding
from mtlbench.training import BackboneTrainer
from mtlbench.training.checkpoint import Checkpoint
from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.backbones.single_task import SingleTask
from mtlbench_plugins.backbones.stem import STEM
from mtlbench_plugins.critics.actor import LIMIT, TargetActor
from mtlbench_plugins.critics.learning import CriticLearner
from mtlbench_plugins.critics.making import critics_of
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import replay
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.rmtl import RMTL
from mtlbench_plugins.weightings.rmtl_official import RMTLOfficial

POINTS = {"next_action", "td_target", "action_layer", "critic_embeddings"}
SIZES = {"embedding": 5, "bottom": (8,), "tower": (4,)}
"""Of backbones; the critics' embeddings are 4 wide."""


@pytest.fixture(scope="module")
def stage_one() -> Checkpoint:
    return first_stage()


class ActionCritics(nn.Module):
    """Q(s, a) = -a."""

    def forward(self, inputs, action: Tensor) -> Tensor:
        return -action


class FixedCritics(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, inputs, action: Tensor) -> Tensor:
        return torch.full_like(action, self.value)


def made(backbone: type[Backbone], schema: Schema | None = None, **params) -> tuple[Critics, Backbone]:
    """Critics with the embeddings of a backbone that is 5 wide."""
    schema = schema or small_schema()
    network = backbone(schema, backbone.Params(**SIZES))
    return critics_of(
        schema, CriticParams(**{**SMALL_CRITICS, "critic_embeddings": "pretrained", **params}), network
    ), network


def test_the_points_change_no_id_of_the_method_and_are_part_of_the_presets():
    assert not POINTS & identifying(RMTL.Params()).keys()
    assert identifying(RMTLOfficial.Params()).keys() >= POINTS


@pytest.mark.parametrize(
    ("point", "before"),
    [
        ("next_action", "buffer"),
        ("td_target", "target"),
        ("action_layer", "tower"),
        ("critic_embeddings", "fresh"),
        ("lambda", 0.7),
    ],
)
def test_a_cell_of_the_preset_with_a_point_taken_back_runs_without_it(point: str, before: object):
    catalogue = discover(())
    resolved = resolve(catalogue, "weighting", "rmtl-official", {point: before}, "quick")
    built = catalogue.create("weighting", resolved.spec).params
    assert built == resolved.params == RMTLOfficial.Params(**{point: before})
    assert built != RMTLOfficial.Params()


def test_the_next_action_is_the_backbones_on_the_next_state_with_one_small_noise_per_task():
    trainer = small_trainer()
    learner = CriticLearner(trainer, CriticParams(gamma=0.9, **SMALL_CRITICS), TargetActor(trainer.backbone))
    learner._target = ActionCritics()
    data = trainer.data
    transitions = replay(data, torch.rand(240, 2))
    target = learner._td_target(transitions, torch.arange(240), None)
    alive = ~data.done
    policy = trainer.predict().sigmoid()[data.next_row[alive]]
    noise = (transitions.reward[alive] - target[alive]) / 0.9 - policy
    torch.testing.assert_close(noise, noise[:1].expand_as(noise), atol=1e-5, rtol=0)
    assert (noise.abs() <= LIMIT + 1e-5).all()
    assert torch.equal(target[data.done], transitions.reward[data.done])


def test_noise_is_drawn_anew_for_every_batch_and_each_task():
    trainer = small_trainer()
    actor, inputs = TargetActor(trainer.backbone), trainer.data.inputs[torch.arange(3)]
    torch.manual_seed(0)
    noise = torch.stack([actor(inputs)[0] for _ in range(40)]) - trainer.predict().sigmoid()[0]
    assert noise.unique().numel() > 2
    assert noise.min() < 0 < noise.max()
    assert not torch.equal(noise[:, 0], noise[:, 1])


def test_the_actor_stays_what_it_was_when_the_backbone_trains_on():
    trainer = small_trainer()
    actor, inputs = TargetActor(trainer.backbone), trainer.data.inputs
    torch.manual_seed(0)
    before = actor(inputs)
    with torch.no_grad():
        for parameter in trainer.backbone.parameters():
            parameter.add_(1)
    trainer.backbone.train()
    torch.manual_seed(0)
    assert torch.equal(actor(inputs), before)


def test_the_method_learns_from_the_actor_only_where_it_is_asked_to(stage_one: Checkpoint):
    random = {"actions": "uniform", **SMALL_CRITICS}
    buffer, actor = (continued(make(RMTL, next_action=one, **random), stage_one) for one in ("buffer", "actor"))
    assert buffer.curves["td_loss"] != actor.curves["td_loss"]


@pytest.mark.parametrize(("target", "online"), [(-1.0, -3.0), (-3.0, -1.0)])
@pytest.mark.parametrize(("choice", "value"), [("min", -3.0), ("target", None)])
def test_the_td_target_takes_the_smaller_value_or_the_target_networks(
    choice: str, value: float | None, target: float, online: float
):
    learner = CriticLearner(small_trainer(), CriticParams(gamma=0.5, td_target=choice, **SMALL_CRITICS))
    learner._target, learner.critics = FixedCritics(target), FixedCritics(online)
    transitions = replay(small_splits().train, torch.rand(240, 2))
    found = learner._td_target(transitions, torch.arange(240), None)
    done = transitions.done
    expected = transitions.reward[~done] + 0.5 * (target if value is None else value)
    torch.testing.assert_close(found[~done], expected)
    assert torch.equal(found[done], transitions.reward[done])


def test_the_online_network_gives_targets_without_dropout():
    learner = CriticLearner(small_trainer(), CriticParams(td_target="min", **{**SMALL_CRITICS, "dropout": 0.5}))
    transitions = replay(small_splits().train, torch.rand(240, 2))
    learner.critics.train()
    first, second = (learner._td_target(transitions, torch.arange(240), None) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("shared", [True, False])
def test_an_action_at_the_bottom_is_a_linear_embedding_beside_those_of_the_fields(shared: bool):
    torch.manual_seed(0)
    critics = Critics(small_schema(), CriticParams(**SMALL_CRITICS), shared, joint=True).eval()
    inputs, action = small_splits().train.inputs, torch.rand(240, 2)
    found = critics(inputs, action)
    for k, value in enumerate(critics.values):
        state = critics.states[0 if shared else k]
        linear = value.action[0]
        embedded = action[:, k : k + 1] @ linear.weight.T + linear.bias
        assert (embedded < 0).any()
        joined = torch.cat([state.embedding(inputs), embedded], dim=1)
        assert joined.shape[1] == (3 + 1 + 1) * 4
        expected = -value.tower(state.mlp(joined)).squeeze(1).relu()
        torch.testing.assert_close(found[:, k], expected)
    changed = critics(inputs, torch.stack([action[:, 0], 1 - action[:, 1]], dim=1))
    assert torch.equal(changed[:, 0], found[:, 0])
    assert not torch.equal(changed[:, 1], found[:, 1])


@pytest.mark.parametrize("layer", ["tower", "bottom"])
def test_where_the_action_enters_is_what_is_asked_for(layer: str):
    critics, _ = made(SharedBottom, action_layer=layer, critic_embeddings="fresh")
    first = next(
        module for module in critics.states.modules() if isinstance(module, nn.Linear) and module.out_features == 8
    )
    assert first.in_features == (4 if layer == "tower" else 5) * 4


def test_critics_start_from_the_embeddings_that_stage_one_left():
    trainer = BackboneTrainer(SharedBottom(small_schema(), SharedBottom.Params(**SIZES)), small_splits(), TRAINING, 0)
    make(Constant).fit(trainer)
    start = trainer.checkpoint("constant-cell")
    table = start.backbone["bottom.embedding.weight"]
    for choice in ("fresh", "pretrained"):
        network = SharedBottom(small_schema(), SharedBottom.Params(**SIZES))
        further = BackboneTrainer(network, small_splits(), TRAINING, 0, warm_start=start)
        weighting = make(RMTL, control="untrained", critic_embeddings=choice, **SMALL_CRITICS)
        weighting.fit(further)
        own = weighting.state_dict()["states.0.bottom.embedding.weight"]
        assert (own.shape == table.shape and torch.equal(own, table)) == (choice == "pretrained")


@pytest.mark.parametrize("layer", ["tower", "bottom"])
@pytest.mark.parametrize("critics", ["shared", "separate"])
def test_pretrained_embeddings_are_copies_of_the_table_alone_and_as_wide(critics: str, layer: str):
    found, network = made(SharedBottom, critics=critics, action_layer=layer)
    table, numbers = network.bottom.embedding.weight, network.bottom.embedding.numerical.weight
    assert len(found.states) == (1 if critics == "shared" else 2)
    for state in found.states:
        assert torch.equal(state.embedding.weight, table)
        assert state.embedding.weight is not table
        assert state.embedding.numerical.weight.shape == numbers.shape
        assert not torch.equal(state.embedding.numerical.weight, numbers)
    values = found(small_splits().train.inputs, torch.rand(240, 2))
    assert values.shape == (240, 2)


def test_critics_without_the_user_copy_the_rows_of_the_other_fields():
    schema = small_schema(user_inputs=("user", "age"))
    found, network = made(SharedBottom, schema, state="no-user")
    assert torch.equal(found.states[0].embedding.weight, network.bottom.embedding.weight[11:])


def test_a_bag_whose_field_is_hidden_copies_the_rows_of_that_field():
    bags = (BagField("seen", 7, 2, of="item"), BagField("tags", 3, 2))
    schema = small_schema(user_inputs=("item",), bags=bags)
    found, network = made(SharedBottom, schema, state="no-user")
    table = network.bottom.embedding.weight
    user, item, hour, tags = table.split([11, 7, 4, 3])
    assert torch.equal(found.states[0].embedding.weight, torch.cat([user, hour, item, tags]))


def test_separate_critics_copy_the_embeddings_of_their_tasks():
    found, network = made(SingleTask, critics="separate")
    for state, bottom in zip(found.states, network.bottoms, strict=True):
        assert torch.equal(state.embedding.weight, bottom.embedding.weight)
    assert not torch.equal(found.states[0].embedding.weight, found.states[1].embedding.weight)


def test_separate_critics_copy_the_embeddings_of_tasks_and_a_shared_one_those_that_tasks_share():
    found, network = made(STEM, critics="separate")
    for state, branch in zip(found.states, network.own, strict=True):
        assert torch.equal(state.embedding.weight, branch.embedding.weight)
    found, network = made(STEM, critics="shared")
    assert torch.equal(found.states[0].embedding.weight, network.shared.embedding.weight)


def test_a_backbone_without_such_embeddings_is_refused_with_the_remedy():
    with pytest.raises(TrainingError, match=r"0 tables of all 22 ids.*set critic_embeddings=fresh"):
        CriticLearner(small_trainer(), CriticParams(critic_embeddings="pretrained", **SMALL_CRITICS))
    with pytest.raises(TrainingError, match=r"copies .* into 1 of critics, and the backbone has 2 tables"):
        made(SingleTask, critics="shared")


class Partial(Backbone):
    """Embeds one field only."""

    def __init__(self, schema: Schema, params: object = None) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(dataclasses.replace(schema, categorical=schema.categorical[:1]), 5)

    def forward(self, inputs):
        raise NotImplementedError


def test_a_table_of_other_ids_is_not_copied():
    params = CriticParams(critic_embeddings="pretrained", **SMALL_CRITICS)
    with pytest.raises(TrainingError, match="has 0 tables of all 22 ids"):
        critics_of(small_schema(), params, Partial(small_schema()))
