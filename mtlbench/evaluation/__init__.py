"""Metrics as pure functions on tensors: AUC, GAUC, logloss, session-wise logloss, normalised entropy, calibration."""

from mtlbench.evaluation.likelihood import calibration, logloss, normalised_entropy, s_logloss
from mtlbench.evaluation.ranking import auc, gauc, mean_auc
from mtlbench.evaluation.scoring import rela_impr, score, score_probabilities

__all__ = [
    "auc",
    "calibration",
    "gauc",
    "logloss",
    "mean_auc",
    "normalised_entropy",
    "rela_impr",
    "s_logloss",
    "score",
    "score_probabilities",
]
