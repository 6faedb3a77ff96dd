"""All metrics of a split at once, as they go into a record."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mtlbench.errors import DataError, TrainingError
from mtlbench.evaluation.likelihood import calibration, logloss, normalised_entropy, s_logloss
from mtlbench.evaluation.ranking import auc, gauc

_SMALLEST = torch.finfo(torch.float64).tiny
_LARGEST = 1 - torch.finfo(torch.float64).eps / 2


def score(
    logits: Tensor, labels: Tensor, session: Tensor, user: Tensor, tasks: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Every metric of every task on one split.

    Computed on the CPU whatever the inputs' device, because sums over sessions are not reproducible on a GPU.

    Args:
        logits: (N, K) finite, any float dtype.
        labels: (N, K) 0 or 1.
        session: (N,) integer ids.
        user: (N,) integer ids.
        tasks: K names.

    Returns:
        task -> ``auc``, ``logloss``, ``s_logloss``, ``gauc``, ``gauc_coverage``, ``normalised_entropy``,
        ``calibration``; ``None`` where the metric is undefined, as AUC is when the split has one class.

    Raises:
        TrainingError: a logit is NaN or infinite.
    """
    logits, labels, session, user = (tensor.detach().cpu() for tensor in (logits, labels, session, user))
    broken = (~logits.isfinite()).sum(0).tolist()
    if any(broken):
        counts = ", ".join(f"{task} {count}" for task, count in zip(tasks, broken, strict=True))
        raise TrainingError(
            f"the trained backbone gives NaN or infinite logits ({counts} of {len(logits)} rows); "
            "training diverged: lower the learning rate or check the weights of the method"
        )
    scores = {}
    for k, task in enumerate(tasks):
        z, y = logits[:, k].contiguous(), labels[:, k].contiguous()
        group_auc, coverage = gauc(z, y, user)
        values = {
            "auc": auc(z, y),
            "logloss": logloss(z, y),
            "s_logloss": s_logloss(z, y, session),
            "gauc": group_auc,
            "gauc_coverage": coverage,
            "normalised_entropy": normalised_entropy(z, y),
            "calibration": calibration(z, y),
        }
        scores[task] = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return scores


def score_probabilities(
    probabilities: Tensor, labels: Tensor, session: Tensor, user: Tensor, tasks: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """:func:`score` of known probabilities (N, K), such as a generator's true ones: the best that one can hope for.

    Probabilities of exactly 0 and 1 are moved by less than 2e-16, so that their logits are finite.

    Raises:
        DataError: a probability is outside [0, 1].
    """
    p = probabilities.double()
    outside = ~((p >= 0) & (p <= 1))
    if outside.any():
        raise DataError(
            f"{int(outside.sum())} true probabilities lie outside [0, 1], the first is {float(p[outside][0]):g}; "
            "check the columns that the dataset names as its optimum"
        )
    p = p.clamp(_SMALLEST, _LARGEST)
    return score(p.log() - torch.log1p(-p), labels, session, user, tasks)
