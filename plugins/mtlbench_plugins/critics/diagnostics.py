"""What a trained critic says of the training rows, for the record."""

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from mtlbench import api


def report_values(trainer: api.Trainer, values: Tensor, losses: Tensor) -> None:
    """Report for each task the share of zero values, their mean, and how they rank with the losses.

    Args:
        trainer: takes the diagnostics ``q_zero_fraction``, ``q_mean`` and ``q_loss_correlation``: Spearman's rank
            correlation of -Q with the BCE of the action, 1 where the critic ranks rows as their own loss does.
        values: (N, K) values Q at most 0.
        losses: (N, K) BCE of the actions, the negative rewards.

    Raises:
        TrainingError: a critic says 0 for every row.
    """
    zero = (values == 0).double().mean(0).tolist()
    trainer.report("q_zero_fraction", zero)
    trainer.report("q_mean", values.double().mean(0).tolist())
    trainer.report("q_loss_correlation", [spearman(-values[:, k], losses[:, k]) for k in range(values.shape[1])])
    dead = [task for task, share in zip(trainer.schema.tasks, zero, strict=True) if share == 1]
    if dead:
        raise api.TrainingError(
            f"dead critic for {', '.join(dead)}: Q is 0 on every training row, so its weights are all 1 and it has "
            "no gradient to recover; lower --learning-rate or use another seed"
        )


def spearman(a: Tensor, b: Tensor) -> float:
    """Rank correlation of ``a`` (N,) and ``b`` (N,) in [-1, 1], ties at their mean rank; 0 where one is constant."""
    ranks = [rankdata(values.cpu().numpy()) for values in (a, b)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
