"""What the trained critics predict for the training rows, for the record."""

import numpy as np
import torch
from scipy.stats import rankdata, t
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.critics.transitions import reward

PARTS = 10


def report_values(trainer: api.Trainer, values: Tensor, losses: Tensor, observed: Tensor | None = None) -> None:
    """Log for each task the share of zero values, their mean, and how they rank with the losses.

    Args:
        trainer: takes the diagnostics ``q_zero_fraction``, ``q_mean`` and ``q_loss_correlation``. The last is the rank
            correlation (Spearman) of -Q and the loss of the action: 1 where the critic ranks rows as their own loss
            does.
        values: (N, K) values Q, at most 0.
        losses: (N, K) of the actions, the negative rewards.
        observed: (N, K) bool, which losses are known; the correlation is over those. ``None``: all.

    Raises:
        TrainingError: a critic gives 0 for every row.
    """
    zero = (values == 0).double().mean(0).tolist()
    trainer.log_scalar("q_zero_fraction", zero)
    trainer.log_scalar("q_mean", values.double().mean(0).tolist())
    known = torch.ones_like(losses, dtype=torch.bool) if observed is None else observed
    pairs = [(-values[known[:, k], k], losses[known[:, k], k]) for k in range(values.shape[1])]
    trainer.log_scalar("q_loss_correlation", [spearman(*pair) for pair in pairs])
    dead = [task for task, share in zip(trainer.schema.task_names, zero, strict=True) if share == 1]
    if dead:
        raise api.TrainingError(
            f"dead critic for {', '.join(dead)}: Q is 0 on every training row, so its weights are all 1 and it has "
            "no gradient to recover; lower --learning-rate or use another seed"
        )


def report_truth(trainer: api.Trainer, values: Tensor, action: Tensor, gamma: float) -> None:
    """Log how the critics rank with the true values, where all tasks are binary and their true probabilities known.

    The true value of a row is minus its expected BCE under the true probability, plus gamma times the true value of the
    next row of its session. ``q_truth_correlation`` is Spearman's rank correlation of Q with it, as the mean over ten
    parts of the sessions. ``q_truth_correlation_low`` and ``..._high`` are the ends of its 95 % t interval over the
    parts.
    """
    data = trainer.data
    if data.optimum is None or any(task.kind != "binary" for task in trainer.schema.tasks):
        return
    truth = discounted(reward(action, data.optimum.to(action.dtype)), data, gamma)
    part = data.session % PARTS
    parts = np.array(
        [[spearman(values[part == p, k], truth[part == p, k]) for k in range(values.shape[1])] for p in range(PARTS)]
    )
    mean, error = parts.mean(0), parts.std(0, ddof=1) / np.sqrt(PARTS)
    reach = t.ppf(0.975, PARTS - 1) * error
    for name, value in (("", mean), ("_low", mean - reach), ("_high", mean + reach)):
        trainer.log_scalar(f"q_truth_correlation{name}", value.tolist())


def discounted(reward: Tensor, split: api.Split, gamma: float) -> Tensor:
    """Sums (N, K) of rewards (N, K) from each row to the end of its session, discounted by ``gamma`` per row."""
    value = reward.clone()
    for place in range(int(split.position.max()) - 1, -1, -1):
        rows = ((split.position == place) & ~split.done).nonzero().squeeze(1)
        value[rows] += gamma * value[split.next_row[rows]]
    return value


def spearman(a: Tensor, b: Tensor) -> float:
    """Rank correlation of ``a`` (N,) and ``b`` (N,) in [-1, 1]; ties get their mean rank; 0 where one is constant."""
    ranks = [rankdata(values.cpu().numpy()) for values in (a, b)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
