"""The entry point: all metrics of a split as they go into a record."""

import math

import pytest
import torch

from mtlbench.errors import DataError, TrainingError
from mtlbench.evaluation import auc, calibration, score, score_probabilities

ROWS = torch.arange(4)
LABELS = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])


def test_every_metric_of_every_task_and_none_where_undefined():
    logits = torch.tensor([[2.0, -1.0], [1.0, -2.0], [0.0, -1.0], [-1.0, -3.0]])
    scores = score(logits, LABELS, session=ROWS // 2, user=ROWS // 2, tasks=["click", "pay"])
    assert list(scores) == ["click", "pay"]
    assert scores["click"]["auc"] == 0.75
    assert scores["click"]["gauc"] == 1.0
    assert scores["click"]["gauc_coverage"] == 1.0
    assert scores["click"]["logloss"] == pytest.approx(scores["click"]["s_logloss"])
    pay = scores["pay"]
    assert {name for name, value in pay.items() if value is None} == {
        "auc",
        "gauc",
        "normalised_entropy",
        "calibration",
    }
    assert pay["gauc_coverage"] == 0


def test_diverged_logits_are_an_error_that_names_the_task():
    logits = torch.zeros(4, 2)
    logits[1, 1] = math.nan
    logits[2, 1] = math.inf
    with pytest.raises(TrainingError, match=r"click 0, pay 2 of 4 rows"):
        score(logits, LABELS, ROWS, ROWS, ["click", "pay"])


def test_known_probabilities_score_as_their_logits():
    probabilities = torch.tensor([[0.9], [0.2], [0.6], [0.5]], dtype=torch.float64)
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.6) + math.log(0.5)) / 4
    scores = score_probabilities(probabilities, LABELS[:, :1], ROWS, ROWS, ["click"])["click"]
    assert scores["logloss"] == pytest.approx(expected, rel=1e-14)
    assert scores["calibration"] == pytest.approx(2.2 / 2, rel=1e-14)


def test_certain_probabilities_cost_nothing_when_they_are_right():
    scores = score_probabilities(LABELS[:, :1], LABELS[:, :1], ROWS, ROWS, ["click"])["click"]
    assert scores["logloss"] == pytest.approx(0, abs=1e-15)
    assert scores["auc"] == 1


def test_impossible_probabilities_are_refused():
    with pytest.raises(DataError, match=r"1 true probabilities lie outside \[0, 1\], the first is 1.5"):
        score_probabilities(torch.tensor([[0.1], [1.5], [0.2], [0.3]]), LABELS[:, :1], ROWS, ROWS, ["click"])


def test_calibration_is_predicted_over_observed():
    assert calibration(torch.zeros(4), torch.tensor([1.0, 0.0, 0.0, 0.0])) == pytest.approx(2)


def test_nan_scores_have_no_auc():
    assert math.isnan(auc(torch.tensor([0.1, math.nan]), torch.tensor([0.0, 1.0])))
