"""The learning rate's way through a stage, also for rows of tables that catch up on missed steps."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from linear_backbone import LinearBackbone
from small_splits import small_splits
from wide_splits import plain_loop, small_backbone, wide_splits

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer, schedule
from mtlbench.training.budget import Budget
from mtlbench.training.model import Model
from mtlbench.training.schedule import Schedule
from mtlbench.training.seeding import derive, seeded
from mtlbench.training.stage import Batches
from mtlbench_plugins.weightings.constant import Constant

BATCH = 16


def rates(kind: str, epochs: int = 10, per_epoch: int = 100) -> list[float]:
    found = Schedule(Training(schedule=kind, learning_rate=0.1, epochs=epochs))
    return [found.rate(taken, per_epoch) for taken in range(epochs * per_epoch)]


def test_a_constant_rate_is_the_learning_rate_in_every_step():
    assert set(rates("constant")) == {0.1}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("linear", lambda share: 0.1 * (1 - share)), ("cosine", lambda share: 0.05 * (1 + math.cos(math.pi * share)))],
)
def test_a_rate_falls_in_a_hundred_equal_parts_of_the_most_steps(kind: str, expected):
    for found in (rates(kind), rates(kind, epochs=1, per_epoch=1000)):
        assert found == pytest.approx([expected(taken // 10 / 100) for taken in range(1000)])
    assert all(before >= after > 0 for before, after in pairwise(rates(kind, epochs=3, per_epoch=7)))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_beyond_the_most_steps_the_rate_is_that_of_the_last_part(kind: str):
    found = Schedule(Training(schedule=kind, epochs=2))
    assert found.rate(150, 50) == found.rate(10**6, 50) == found.rate(99, 50) > 0


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("dense", [False, True], ids=["row by row", "dense"])
def test_training_under_a_schedule_is_that_of_dense_adam(kind: str, dense: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schedule, "PARTS", 8)
    splits = wide_splits()
    backbone = small_backbone("mmoe", splits)
    plain = copy.deepcopy(backbone)
    training = Training(batch_size=BATCH, epochs=5, schedule=kind)
    model = Model(backbone, splits, training, dense=dense)
    batches = Batches(len(splits.train), BATCH, 0, torch.device("cpu"))
    rows = [each for epoch in range(1, 6) for each in batches.epoch("train", epoch)]
    rate = Schedule(training).rate
    expected = plain_loop(plain, splits, rows, rate=lambda taken: rate(taken, len(rows) // 5))
    losses = []
    for taken, batch in enumerate(rows):
        torch.manual_seed(derive(0, taken))
        model.pace(taken, len(rows) // 5)
        loss = model.step(batch).losses.mean()
        model.descend(loss)
        losses.append(loss.item())
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(expected), atol=1e-5, rtol=1e-5)
    model.infer(splits.validation)
    for fast, slow in zip(backbone.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4)


class Twice(Constant):
    """Two stages."""

    def fit(self, trainer: api.Trainer) -> None:
        trainer.train(self, "first")
        trainer.train(self, "second")


def test_each_stage_begins_anew_and_a_budget_goes_on_where_the_stage_was(monkeypatch: pytest.MonkeyPatch):
    heard = []
    monkeypatch.setattr(Schedule, "rate", lambda self, taken, per_epoch: heard.append((taken, per_epoch)) or 1e-3)
    splits = small_splits()
    with seeded(0, "initial parameters"):
        backbone = LinearBackbone(splits.schema)
    trainer = BackboneTrainer(backbone, splits, Training(epochs=3, patience=3, batch_size=64, schedule="linear"), 0)
    Twice(Twice.Params()).fit(trainer)
    per_epoch = -(-len(splits.train) // 64)
    first, second = (spend.steps for spend in trainer.spend)
    trainer.train_until_spent(Budget("steps", first + second + 5))
    expected = [*range(first), *range(second), *range(second, second + 5)]
    assert heard == [(taken, per_epoch) for taken in expected]
