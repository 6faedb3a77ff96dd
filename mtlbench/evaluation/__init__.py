"""Metrics as pure functions on tensors: AUC, GAUC, logloss, session-wise logloss, normalised entropy, calibration."""

from mtlbench.evaluation.likelihood import calibration, logloss, normalised_entropy, s_logloss
from mtlbench.evaluation.ranking import auc, gauc
from mtlbench.evaluation.scoring import score, score_probabilities

__all__ = [
    "auc",
    "calibration",
    "gauc",
    "logloss",
    "normalised_entropy",
    "s_logloss",
    "score",
    "score_probabilities",
]
