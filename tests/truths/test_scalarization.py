"""Truths of the tuned sweep over constant weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_splits import small_schema, small_splits

from mtlbench.api import ExpertSizes
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.backbones.mmoe import MMoE
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.scalarization import Scalarization

GRID = (0.2, 0.6)
POINTS = ["1.0-1.0", "0.4-1.6", "1.6-0.4", "1.2-0.8", "0.8-1.2"]


def sweep(*grid: float) -> Scalarization:
    return Scalarization(Scalarization.Params(grid=grid) if grid else Scalarization.Params())


def make_trainer() -> BackboneTrainer:
    """Batches so small that the embedding table is updated row by row."""
    splits = small_splits(small_schema(), rows=60)
    with seeded(1, "initial parameters"):
        backbone = MMoE(splits.schema, ExpertSizes(embedding=4, bottom=(8,), tower=(4,), experts=2))
    return BackboneTrainer(backbone, splits, Training(epochs=12, patience=2, batch_size=6, learning_rate=0.05), 1)


@pytest.fixture(scope="module")
def alone() -> dict[str, BackboneTrainer]:
    """Point -> the run of ``constant`` with its weights."""
    trainers = {point: make_trainer() for point in POINTS}
    for point, trainer in trainers.items():
        Constant(Constant.Params(weights=tuple(map(float, point.split("-"))))).fit(trainer)
    return trainers


@pytest.fixture(scope="module")
def tuned() -> BackboneTrainer:
    trainer = make_trainer()
    sweep(*GRID).fit(trainer)
    return trainer


def test_of_two_tasks_the_points_are_twice_w_and_one_minus_w():
    expected = {(round(2 * s / 10, 6), round(2 - 2 * s / 10, 6)) for s in range(1, 10)}
    points = sweep().points(2)
    assert len(points) == 9
    assert set(points) == expected
    assert points[0] == (1, 1)


def test_one_task_is_trained_once():
    assert sweep().points(1) == [(1.0,)]


@given(tasks=st.integers(2, 6), grid=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4))
def test_every_task_takes_every_share_in_turn_and_the_weights_sum_to_their_number(tasks: int, grid: list[float]):
    points = sweep(*grid).points(tasks)
    assert points[0] == (1.0,) * tasks
    assert len(set(points)) == len(points) <= 1 + tasks * len(grid)
    for weights in points:
        assert sum(weights) == pytest.approx(tasks, rel=1e-4)
        assert min(weights) > 0
    for share in grid:
        for task in range(tasks):
            assert any(weights[task] == pytest.approx(tasks * share, rel=1e-4) for weights in points)


def test_each_point_is_the_run_of_constant_with_its_weights(tuned: BackboneTrainer, alone: dict[str, BackboneTrainer]):
    assert [spend.stage for spend in tuned.spend] == [f"train {point}" for point in POINTS]
    for (point, constant), spend in zip(alone.items(), tuned.spend, strict=True):
        stage = f"train {point}"
        curve = [epoch for epoch in tuned.curve if epoch.stage == stage]
        assert [vars(epoch) | {"stage": "train"} for epoch in curve] == [vars(epoch) for epoch in constant.curve]
        assert tuned.best_epoch[stage] == constant.best_epoch["train"]
        assert (spend.steps, spend.rows) == (constant.spend[0].steps, constant.spend[0].rows)
    assert len({spend.steps for spend in tuned.spend}) > 1, (
        "with equal lengths a patience that points share goes unseen"
    )


def test_the_point_of_the_best_validation_score_is_kept_and_reported(
    tuned: BackboneTrainer, alone: dict[str, BackboneTrainer]
):
    best = max(POINTS, key=lambda point: alone[point].best.score)
    assert best not in {POINTS[0], POINTS[-1]}, "at either end the choice would show nothing"
    assert tuned.diagnostics["weights"] == list(map(float, best.split("-")))
    assert tuned.best.score == alone[best].best.score
    kept = tuned.checkpoint("a" * 64)
    for name, expected in alone[best].backbone.state_dict().items():
        assert torch.equal(tuned.backbone.state_dict()[name], expected), name
        assert torch.equal(kept.backbone[name], expected), name
    assert kept.score == alone[best].score
