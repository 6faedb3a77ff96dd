"""Errors, calibration, average precision and session means against scikit-learn and worked cases; the registry."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, mean_absolute_error, r2_score, root_mean_squared_error
from torch import Tensor
from torch.nn import functional as F

from mtlbench.evaluation import calibration, s_logloss
from mtlbench.evaluation.averages import mean_of_means
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.metrics.numbers import mae, mean_ratio, r2, rmse
from mtlbench.tasks.metrics.probabilities import average_precision


def numbers(seed: int, rows: int = 50) -> tuple[Tensor, Tensor]:
    generator = np.random.default_rng(seed)
    labels = generator.exponential(30, rows)
    return torch.from_numpy(labels + generator.normal(0, 10, rows)), torch.from_numpy(labels)


@given(seed=st.integers(0, 10_000))
def test_errors_are_those_of_scikit_learn(seed: int) -> None:
    predictions, labels = numbers(seed)
    assert rmse(predictions, labels) == pytest.approx(root_mean_squared_error(labels, predictions))
    assert mae(predictions, labels) == pytest.approx(mean_absolute_error(labels, predictions))
    assert r2(predictions, labels) == pytest.approx(r2_score(labels, predictions))


def test_the_mean_of_the_rows_scored_explains_nothing():
    _, labels = numbers(0)
    assert r2(labels.mean().expand(50), labels) == pytest.approx(0, abs=1e-12)
    assert r2(labels, labels) == 1
    assert r2(labels.mean().expand(50) + 1, labels) < 0
    assert math.isnan(r2(labels, torch.full((50,), 3.0)))


def test_without_rows_nothing_is_defined():
    nothing = torch.zeros(0, dtype=torch.float64)
    for metric in (rmse, mae, r2, mean_ratio, average_precision):
        assert math.isnan(metric(nothing, nothing)), metric
    assert math.isnan(mean_of_means(nothing, nothing))


def test_calibration_is_mean_prediction_over_mean_label():
    assert mean_ratio(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 8.0])) == 0.5
    assert math.isnan(mean_ratio(torch.tensor([1.0, 3.0]), torch.zeros(2)))


@given(seed=st.integers(0, 10_000))
def test_of_probabilities_it_is_the_calibration_of_the_harness(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(60, generator=generator)
    labels = (torch.rand(60, generator=generator) < 0.3).float()
    labels[0] = 1
    assert mean_ratio(logits.double().sigmoid(), labels) == calibration(logits, labels)


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 30), rate=st.floats(0.02, 0.98))
def test_average_precision_is_that_of_scikit_learn(seed: int, levels: int, rate: float) -> None:
    generator = np.random.default_rng(seed)
    scores, labels = generator.integers(0, levels, 60), generator.random(60) < rate
    if labels.any():
        expected = average_precision_score(labels, scores)
        found = average_precision(torch.from_numpy(scores).float(), torch.from_numpy(labels).float())
        assert found == pytest.approx(expected, rel=1e-12)


def test_average_precision_at_its_ends():
    labels = torch.tensor([0.0, 0, 1, 0, 1])
    assert average_precision(labels, labels) == 1
    assert average_precision(torch.zeros(5), labels) == pytest.approx(0.4)
    assert math.isnan(average_precision(labels, torch.zeros(5)))
    assert math.isnan(average_precision(torch.tensor([math.nan, 1.0]), torch.ones(2)))


def test_sessions_count_alike_however_long():
    losses, session = torch.tensor([1.0, 2.0, 3.0, 10.0], dtype=torch.float64), torch.tensor([7, 5, 7, 5])
    assert mean_of_means(losses, session) == (2 + 6) / 2
    assert mean_of_means(losses, torch.zeros(4, dtype=torch.int64)) == 4
    assert mean_of_means(losses, torch.arange(4)) == 4


@given(seed=st.integers(0, 10_000))
def test_of_cross_entropy_they_are_the_s_logloss_of_the_harness(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(80, generator=generator)
    labels = (torch.rand(80, generator=generator) < 0.3).float()
    session = torch.randint(0, 20, (80,), generator=generator)
    losses = -F.logsigmoid((2 * labels.double() - 1) * logits.double())
    assert mean_of_means(losses, session) == s_logloss(logits, labels, session)


# -- registry -------------------------------------------------------------------------------------------------------


def test_the_metrics_of_older_records_have_their_keys_names_and_directions():
    assert {key: METRICS[key].label for key in ("auc", "logloss", "s_logloss")} == {
        "auc": "AUC",
        "logloss": "Logloss",
        "s_logloss": "s-Logloss",
    }
    assert [METRICS[key].lower_is_better for key in ("auc", "logloss", "s_logloss")] == [False, True, True]
    assert {"gauc", "gauc_coverage", "normalised_entropy", "calibration"} < set(METRICS)


def test_labels_tell_metrics_apart():
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_every_metric_is_explained(metric: Metric) -> None:
    assert metric.explanation
    assert metric.undefined.startswith(("when ", "without "))


def test_more_gain_is_better():
    assert METRICS["auc"].gain(0.7) == 0.7
    assert METRICS["rmse"].gain(3.0) == -3.0
    ratio = METRICS["calibration"]
    assert ratio.gain(1.0) == 0
    assert ratio.gain(2.0) == pytest.approx(ratio.gain(0.5))
    assert ratio.gain(1.1) > ratio.gain(0.8)
    assert math.isnan(ratio.gain(0.0))
    assert math.isnan(METRICS["gauc_coverage"].gain(0.4))


@pytest.mark.parametrize(
    ("key", "size", "text"),
    [
        ("auc", 0.7, "0.7123"),
        ("rmse", 48231.4, "48231"),
        ("rmse", 7.1234, "7.1234"),
        ("rmse", 1234567.0, "1234567"),
        ("rmse", 0.0012345678, "0.0012346"),
        ("mae", 0.0, "0.00000"),
    ],
)
def test_a_metric_in_the_labels_unit_is_printed_with_significant_digits(key: str, size: float, text: str) -> None:
    value = 0.71234 if key == "auc" else size
    assert f"{value:.{METRICS[key].decimals(size)}f}" == text


def test_tables_of_metrics_need_no_torch():
    code = "import sys, mtlbench.tasks.metrics; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
