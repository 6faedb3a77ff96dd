"""A backbone trained under constant weights on small splits, and weightings that continue from it."""

from typing import Any

from linear_backbone import LinearBackbone
from small_splits import small_splits

from mtlbench.api import Splits, Weighting
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.seeding import seeded
from mtlbench_plugins.weightings.constant import Constant

TRAINING = Training(epochs=3, patience=3, batch_size=64)
SMALL_CRITICS = {"embedding": 4, "bottom": (8,), "tower": (4,), "critic_epochs": 2}


def make(weighting: type[Weighting], **params: Any) -> Weighting:
    return weighting(weighting.Params(**params))


def small_trainer(
    start: Checkpoint | None = None,
    seed: int = 0,
    source: Checkpoint | None = None,
    splits: Splits | None = None,
    training: Training = TRAINING,
) -> BackboneTrainer:
    splits = splits or small_splits()
    with seeded(seed, "initial parameters"):
        backbone = LinearBackbone(splits.schema)
    return BackboneTrainer(backbone, splits, training, seed, warm_start=start, source=source)


def first_stage(seed: int = 0) -> Checkpoint:
    """The constant cell's checkpoint."""
    trainer = small_trainer(seed=seed)
    make(Constant).fit(trainer)
    return trainer.checkpoint("constant-cell")


def continued(weighting: Weighting, start: Checkpoint, source: Checkpoint | None = None) -> BackboneTrainer:
    """The trainer after ``weighting`` went on from ``start``."""
    trainer = small_trainer(start, source=source)
    weighting.fit(trainer)
    return trainer
