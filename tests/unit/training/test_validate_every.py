"""Validations every so many epochs or steps: when they are, what they say, and what they leave as it is."""

from pathlib import Path
from typing import Any

import pytest
import torch
from linear_backbone import LinearBackbone
from small_splits import small_splits

import mtlbench
from mtlbench import api
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.budget import Budget
from mtlbench.training.seeding import seeded
from mtlbench.verification.folders import Stored
from mtlbench.verification.impossible import impossible
from mtlbench.verification.selections import selected

STEPS = 8
"""Of an epoch: 240 rows in batches of 32."""


class Rising(api.Weighting):
    """Weights that are the number of the step, from 0; counts the ends of epochs."""

    name, label = "rising", "Rising"

    def __init__(self) -> None:
        super().__init__(api.NoParams())
        self.epochs: list[int] = []

    def weigh(self, step: api.Step) -> torch.Tensor:
        return api.ones(step) * step.number

    def end_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


class Plain(api.Weighting):
    name, label = "plain", "Plain"

    def weigh(self, step: api.Step) -> torch.Tensor:
        return api.ones(step)


def trained(
    every: str, weighting: api.Weighting | None = None, *, budget: Budget | None = None, **settings: Any
) -> BackboneTrainer:
    splits = small_splits()
    with seeded(0, "initial parameters"):
        backbone = LinearBackbone(splits.schema)
    training = Training(
        **{"epochs": 5, "patience": 99, "batch_size": 32, "learning_rate": 0.01, **settings}, validate_every=every
    )
    trainer = BackboneTrainer(backbone, splits, training, 0)
    with seeded(0, "weighting"):
        (weighting or Plain(api.NoParams())).fit(trainer)
    if budget is not None:
        trainer.train_until_spent(budget)
    return trainer


def places(trainer: BackboneTrainer) -> list[tuple[int, float | None]]:
    return [(point.epoch, point.passes) for point in trainer.curve]


def test_each_epoch_is_validated_by_default():
    assert places(trained("1 epoch")) == [(epoch, None) for epoch in range(1, 6)]
    assert Training().validate_every == "1 epoch"


def test_every_second_epoch_and_the_last_one():
    assert places(trained("2 epochs")) == [(2, None), (4, None), (5, None)]
    assert places(trained("7 epochs")) == [(5, None)]


def test_every_third_step_and_what_is_left_at_the_end():
    expected = [(1, 3 / 8), (1, 6 / 8), (2, 1 + 1 / 8), (2, 1 + 4 / 8), (2, 1 + 7 / 8), (3, 2 + 2 / 8), (3, 2 + 5 / 8)]
    assert places(trained("3 steps", epochs=3)) == [*expected, (3, None)]
    assert places(trained("3 steps", epochs=2)) == [*expected[:5], (2, None)]


def test_as_many_steps_as_an_epoch_has_are_an_epoch():
    steps, epoch = trained(f"{STEPS} steps"), trained("1 epoch")
    assert steps.curve == epoch.curve
    assert (steps.best.score, steps.best.loss, steps.best_epoch) == (
        epoch.best.score,
        epoch.best.loss,
        epoch.best_epoch,
    )


@pytest.mark.parametrize("every", ["2 epochs", "3 steps", "4 steps"])
def test_validations_leave_the_training_as_it_is(every: str):
    at = {point.epoch: point.validation for point in trained("1 epoch").curve}
    ends = {point.epoch: point.validation for point in trained(every).curve if point.passes is None}
    assert ends
    assert all(at[epoch] == validation for epoch, validation in ends.items())


def test_losses_and_weights_are_those_since_the_last_validation():
    each, second = trained("1 epoch", Rising()).curve, trained("2 epochs", Rising()).curve
    both = {task: (each[0].train_loss[task] + each[1].train_loss[task]) / 2 for task in each[0].train_loss}
    assert second[0].train_loss == pytest.approx(both)
    within = trained("4 steps", Rising(), epochs=2).curve
    bounds = [(point.weights["click"]["min"], point.weights["click"]["max"]) for point in within if point.weights]
    assert bounds == [(0, 3), (4, 7), (8, 11), (12, 15)]
    halves = {task: (within[0].train_loss[task] * 128 + within[1].train_loss[task] * 112) / 240 for task in both}
    assert each[0].train_loss == pytest.approx(halves)


def test_patience_counts_validations():
    for every in ("1 epoch", "2 epochs", "3 steps"):
        trainer = trained(every, epochs=400, patience=4, learning_rate=0.2)
        scores = [sum(point.validation.values()) for point in trainer.curve]
        best = scores.index(max(scores))
        assert len(trainer.curve) == best + 1 + 4
        point = trainer.curve[best]
        assert trainer.best_epoch == {"train": point.epoch}
        assert trainer.best_passes == ({} if point.passes is None else {"train": point.passes})


def test_an_end_within_an_epoch_ends_that_epoch_for_the_weighting():
    weighting = Rising()
    trainer = trained("3 steps", weighting, epochs=400, patience=2, learning_rate=0.2)
    last = trainer.curve[-1]
    assert last.passes is not None
    assert weighting.epochs == list(range(1, last.epoch + 1))
    assert trainer.spend[0].steps == round(last.passes * STEPS)


def test_the_best_state_is_the_one_that_is_scored():
    trainer = trained("3 steps", Rising(), epochs=400, patience=3, learning_rate=0.2)
    assert trainer.best_passes
    found = trainer.scores(small_splits().validation)
    best = max(trainer.curve, key=lambda point: sum(point.validation.values()))
    assert {task: scores["auc"] for task, scores in found.items()} == best.validation


@pytest.mark.parametrize(("every", "last"), [("2 epochs", (8, None)), ("3 steps", (8, None))])
def test_what_a_budget_leaves_is_validated_too(every: str, last: tuple[int, float | None]):
    trainer = trained(every, budget=Budget("steps", 5 * STEPS + 21))
    assert sum(spend.steps for spend in trainer.spend) == 5 * STEPS + 21
    assert places(trainer)[-1] == last


@pytest.mark.parametrize("weightings", ["constant", "forkmerge", "auto-lambda"])  # that reads a second batch in a step
def test_verify_counts_each_epoch_once_however_often_it_was_validated(weightings: str, tmp_path: Path):
    found = mtlbench.run(
        datasets="synthetic[rows=1200]",
        backbones="shared-bottom",
        weightings=weightings,
        seeds=1,
        epochs=2,
        batch_size=300,
        validate_every="1 step",
        out=tmp_path,
    )
    [record] = found.records
    assert record.failure is None
    assert any(point.passes for point in record.curve)
    stored = [Stored(tmp_path / "a.json", record)]
    assert [*impossible(stored), *selected(stored)] == []
