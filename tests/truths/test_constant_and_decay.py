"""Truths of constant and decay weighting (SPEC section 6)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from linear_backbone import LinearBackbone
from small_splits import small_schema, small_splits

from mtlbench.api import Weighting
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.decay import Decay

TRAINING = Training(epochs=3, patience=3, batch_size=64)


def make(weighting: type[Weighting], **params: object) -> Weighting:
    return weighting(weighting.Params(**params))


def trained(weighting: Weighting, seed: int = 0) -> BackboneTrainer:
    splits = small_splits()
    with seeded(seed, "initial parameters"):
        backbone = LinearBackbone(splits.schema)
    trainer = BackboneTrainer(backbone, splits, TRAINING, seed)
    weighting.fit(trainer)
    return trainer


def assert_same_parameters(one: BackboneTrainer, other: BackboneTrainer) -> None:
    for (name, a), b in zip(one.backbone.named_parameters(), other.backbone.parameters(), strict=True):
        assert torch.equal(a, b), name


def weights_of(weighting: Weighting, rows: torch.Tensor, number: int = 0) -> torch.Tensor:
    splits = small_splits()
    trainer = BackboneTrainer(LinearBackbone(splits.schema), splits, TRAINING, 0)
    weighting.setup(trainer.setting)
    return weighting.weigh(trainer.step(rows, number))


def test_constant_weights_default_to_one_for_each_task():
    assert weights_of(make(Constant), torch.arange(5)).tolist() == [1, 1]


def test_constant_weights_of_the_wrong_number_are_not_applicable_with_both_numbers_named():
    reason = make(Constant, weights=(1.0, 2.0, 3.0)).applicable(small_schema(), LinearBackbone)
    assert "3 weights" in reason
    assert "2 tasks" in reason


@given(rate=st.floats(0.01, 1), start=st.integers(0, 200))
def test_decay_along_the_session_is_the_rate_to_the_power_of_the_position(rate: float, start: int):
    rows = torch.arange(start, start + 20)
    position = small_splits().train.position[rows].unsqueeze(1)
    weights = weights_of(make(Decay, rates=(rate,)), rows)
    torch.testing.assert_close(weights, (torch.tensor(rate, dtype=torch.float32) ** position).expand(-1, 2))


def test_decay_gives_the_first_record_of_a_session_its_initial_weight():
    rows = torch.nonzero(small_splits().train.position == 0).squeeze(1)
    assert (weights_of(make(Decay, rates=(0.5,)), rows) == 1).all()


def test_decay_with_a_rate_per_task():
    rows = torch.nonzero(small_splits().train.position == 1).squeeze(1)[:1]
    assert weights_of(make(Decay, rates=(0.5, 0.25)), rows).tolist() == [[0.5, 0.25]]


def test_decay_on_the_step_clock_weighs_tasks_alike_within_a_step():
    assert weights_of(make(Decay, rates=(0.5,), clock="step"), torch.arange(3), number=3).tolist() == [0.125, 0.125]


@pytest.mark.parametrize("clock", ["session", "step", "epoch"])
def test_decay_at_rate_one_trains_exactly_as_constant(clock: str):
    assert_same_parameters(trained(make(Decay, rates=(1.0,), clock=clock)), trained(make(Constant)))


def test_decay_on_the_epoch_clock_shrinks_the_recorded_weights_once_per_epoch():
    curve = trained(make(Decay, rates=(0.5,), clock="epoch")).curve
    assert [point.weights["click"]["mean"] for point in curve] == [1, 0.5, 0.25]


def test_decay_along_sessions_refuses_a_dataset_without_sessions():
    schema = small_schema(sessions=False)
    assert "sessions" in make(Decay).applicable(schema, LinearBackbone)
    assert make(Decay, clock="step").applicable(schema, LinearBackbone) is None
