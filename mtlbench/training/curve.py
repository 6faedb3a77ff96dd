"""One point of a learning curve."""

from dataclasses import dataclass

Weights = dict[str, dict[str, float]]
"""Task -> mean and quantiles of the weights applied."""


@dataclass(frozen=True)
class CurvePoint:
    """What is known after an epoch: losses in training, scores in validation, and the weights applied."""

    stage: str
    epoch: int
    train_loss: dict[str, float]
    validation: dict[str, float]
    """Task -> its primary metric."""
    weights: Weights | None
    """``None`` in a stage whose loss is no weighted sum of task losses."""
