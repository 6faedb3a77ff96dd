"""Which epoch is kept: the best score, and of equal scores the lowest validation loss."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from linear_backbone import LinearBackbone
from small_splits import small_splits

from mtlbench import api
from mtlbench.api import Split, Splits
from mtlbench.cells import Training
from mtlbench.errors import TrainingError
from mtlbench.evaluation import logloss
from mtlbench.tasks.binary import Binary
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.objective import Objective
from mtlbench.training import BackboneTrainer
from mtlbench.training.journal import Journal
from mtlbench.training.seeding import seeded
from mtlbench.training.selection import Selection

PERFECT = torch.tensor([[-1.0], [-2.0], [1.0], [2.0]])
POOR = torch.tensor([[-1.0], [2.0], [1.0], [-2.0]])


class Growing(api.Weighting):
    """The logits grow for some epochs and then shrink again, so that the loss has its lowest value between."""

    name, label = "growing", "Growing"

    def weigh(self, step: api.Step) -> torch.Tensor:
        return api.ones(step) * (1 if step.number < 40 else -0.3)


def separable() -> Splits:
    """Labels that are the signs of an input: after the first epoch all AUCs are 1."""
    splits = small_splits()
    parts = (splits.train, splits.validation, splits.test)
    return replace(splits, **dict(zip(("train", "validation", "test"), map(_separated, parts), strict=True)))


def _separated(split: Split) -> Split:
    sign = split.numerical[:, :1].sign()
    inputs = torch.cat([10 * sign, torch.zeros_like(sign)], dim=1)
    return replace(
        split,
        categorical=torch.zeros_like(split.categorical),
        numerical=inputs,
        labels=(sign > 0).float().expand(-1, split.labels.shape[1]).contiguous(),
    )


def trained(saved: Journal | None = None, die_at: int = 10**9) -> tuple[BackboneTrainer, list[float]]:
    """The trainer, and the mean validation loss after each epoch of this process."""
    splits, losses, steps = separable(), [], itertools.count(1)
    with seeded(0, "initial parameters"):
        backbone = LinearBackbone(splits.schema)

    class Watched(Growing):
        def end_epoch(self, epoch: int) -> None:
            losses.append(mean_loss(trainer, splits.validation))

    def progress(*told: Any) -> None:
        if next(steps) == die_at:
            raise KeyboardInterrupt

    training = Training(epochs=12, patience=12, batch_size=40, learning_rate=0.02)
    trainer = BackboneTrainer(backbone, splits, training, 0, progress=progress, journal=saved)
    with seeded(0, "weighting"):
        Watched(api.NoParams()).fit(trainer)
    return trainer, losses


def mean_loss(trainer: BackboneTrainer, split: Split) -> float:
    logits = trainer.infer(split)
    return sum(logloss(logits[:, k], split.labels[:, k]) for k in range(2)) / 2


def test_of_epochs_that_separate_the_classes_the_one_of_lowest_validation_loss_is_kept():
    trainer, losses = trained()
    assert [set(point.validation.values()) for point in trainer.curve] == [{1.0}] * 12
    lowest = min(losses)
    assert trainer.best_epoch["train"] == 1 + losses.index(lowest)
    assert 1 < trainer.best_epoch["train"] < 12
    assert mean_loss(trainer, separable().validation) == lowest


@pytest.mark.parametrize("die_at", [9, 50, 65])
def test_ties_are_broken_alike_after_a_kill(tmp_path: Path, die_at: int):
    expected, _ = trained()
    with pytest.raises(KeyboardInterrupt):
        trained(Journal(tmp_path, 0, "test"), die_at)
    resumed, _ = trained(Journal(tmp_path, 0, "test"))
    assert (resumed.best_epoch, resumed.best.score, resumed.curve) == (
        expected.best_epoch,
        expected.best.score,
        expected.curve,
    )
    assert all(
        torch.equal(value, expected.backbone.state_dict()[name])
        for name, value in resumed.backbone.state_dict().items()
    )


def judged(*epochs: torch.Tensor) -> Selection:
    """After epochs of these logits for labels 0, 0, 1, 1."""
    left = iter(epochs)
    labels = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    tasks = FittedTasks.fit({"click": Binary()}, labels)
    model: Any = SimpleNamespace(infer=lambda split: next(left), state=lambda: ({}, {}), tasks=tasks)
    validation: Any = SimpleNamespace(labels=labels, weight=None)
    found = Selection(model, validation, Objective("mean", tasks.primary_metrics))
    found.begin("train")
    for epoch, _ in enumerate(epochs, 1):
        found.judge("train", epoch, [0.0], None)
    return found


@pytest.mark.parametrize(
    ("epochs", "best"),
    [
        ([PERFECT, 3 * PERFECT, 2 * PERFECT], 2),
        ([3 * PERFECT, PERFECT, 2 * PERFECT], 1),
        ([PERFECT, PERFECT, PERFECT], 1),
        ([POOR, PERFECT, 3 * POOR], 2),
        ([0.01 * POOR, 9 * PERFECT, 0.01 * POOR], 2),
    ],
)
def test_the_score_decides_and_the_loss_of_equals(epochs: list[torch.Tensor], best: int):
    assert judged(*epochs).best_epoch == {"train": best}


def test_no_loss_is_computed_of_an_epoch_that_is_worse(monkeypatch: pytest.MonkeyPatch):
    calls, mean_losses = [], FittedTasks.mean_losses
    monkeypatch.setattr(FittedTasks, "mean_losses", lambda *given: calls.append(given) or mean_losses(*given))
    judged(PERFECT, POOR, POOR)
    assert len(calls) == 1


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_called_divergence_and_the_split_is_not_blamed(broken: float):
    with pytest.raises(TrainingError, match="training diverged: lower the learning rate"):
        judged(PERFECT * broken)
