"""XAUC and the normalised Gini index against direct loops, scipy, scikit-learn and their own symmetries."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import somersd
from sklearn.metrics import roc_auc_score

from mtlbench.evaluation import auc
from mtlbench.tasks.metrics import order

Array = np.ndarray[Any, Any]


def few_values(rows: int) -> st.SearchStrategy[Array]:
    """Whole numbers, so that many are equal."""
    return arrays(np.float32, rows, elements=st.integers(0, 6).map(float))


@st.composite
def scores_and_labels(draw: st.DrawFn) -> tuple[Array, Array]:
    rows = draw(st.integers(2, 40))
    return draw(few_values(rows)), draw(few_values(rows))


def xauc(scores: Array, labels: Array) -> float:
    return order.xauc(torch.from_numpy(scores), torch.from_numpy(labels))


def normalised_gini(scores: Array, labels: Array) -> float:
    return order.normalised_gini(torch.from_numpy(scores), torch.from_numpy(labels))


def direct_xauc(scores: Array, labels: Array) -> float:
    wins = pairs = 0.0
    for i in range(len(labels)):
        for j in range(i):
            if labels[i] != labels[j]:
                pairs += 1
                agree = (scores[i] - scores[j]) * (labels[i] - labels[j])
                wins += 1 if agree > 0 else 0.5 if agree == 0 else 0
    return wins / pairs if pairs else math.nan


def direct_gini(scores: Array, labels: Array) -> float:
    """G of the formula, ranks by counting."""
    n, y = len(labels), labels.astype(float)
    rank = [1 + sum(scores > s) + (sum(scores == s) - 1) / 2 for s in scores]
    return 2 * sum((n - r + 1) * v for r, v in zip(rank, y, strict=True)) / (n * y.sum()) - 1 - 1 / n


@given(scores_and_labels())
def test_xauc_is_that_of_a_direct_loop(pair: tuple[Array, Array]) -> None:
    scores, labels = pair
    assert xauc(scores, labels) == pytest.approx(direct_xauc(scores, labels), abs=0, nan_ok=True)


@pytest.mark.parametrize("rows", [2, 3, 34, 1000, 5000])
@pytest.mark.parametrize("tied", [False, True], ids=["all different", "ties"])
def test_xauc_is_exact_for_any_number_of_rows(rows: int, tied: bool) -> None:
    generator = np.random.default_rng(rows)
    labels, scores = generator.normal(size=rows), generator.normal(size=rows)
    labels[0], labels[1] = 0, 1
    if tied:
        labels, scores = labels.round(1), scores.round(1)
    lead = np.sign(scores[:, None] - scores) * np.sign(labels[:, None] - labels)
    pairs = int((labels[:, None] != labels).sum())
    assert xauc(scores, labels) == (pairs + int(lead.sum())) / (2 * pairs)


@given(scores_and_labels())
def test_xauc_is_somers_d_of_scores_given_labels(pair: tuple[Array, Array]) -> None:
    scores, labels = pair
    if labels.min() < labels.max() and scores.min() < scores.max():  # scipy has no value where all scores are tied
        assert xauc(scores, labels) == pytest.approx((somersd(labels, scores).statistic + 1) / 2, abs=1e-12)


@given(scores_and_labels())
def test_xauc_of_two_label_values_is_auc(pair: tuple[Array, Array]) -> None:
    scores, labels = pair[0], (pair[1] > 2).astype(np.float32)
    expected = auc(torch.from_numpy(scores), torch.from_numpy(labels))
    assert xauc(scores, labels) == pytest.approx(expected, abs=0, nan_ok=True)
    if 0 < labels.sum() < len(labels):
        assert expected == pytest.approx(roc_auc_score(labels, scores))


@given(scores_and_labels())
def test_xauc_sees_order_alone(pair: tuple[Array, Array]) -> None:
    scores, labels = pair
    value = xauc(scores, labels)
    assert xauc(-scores, labels) == pytest.approx(1 - value, abs=1e-15, nan_ok=True)
    assert xauc(np.exp(scores) - 3, labels) == pytest.approx(value, abs=0, nan_ok=True)
    assert xauc(scores, 5 * labels**3 + 2) == pytest.approx(value, abs=0, nan_ok=True)
    moved = np.random.default_rng(0).permutation(len(labels))
    assert xauc(scores[moved], labels[moved]) == pytest.approx(value, abs=0, nan_ok=True)


def test_xauc_at_its_ends():
    labels = np.array([0, 0, 1, 1, 5, 5, 9.0])
    assert xauc(labels, labels) == 1
    assert xauc(-labels, labels) == 0
    assert xauc(np.zeros(7), labels) == 0.5
    assert math.isnan(xauc(labels, np.full(7, 3.0)))
    assert math.isnan(xauc(np.array([0.0, math.nan]), np.array([0.0, 1.0])))
    assert math.isnan(xauc(np.zeros(1), np.ones(1)))
    assert math.isnan(xauc(np.zeros(0), np.zeros(0)))


@given(scores_and_labels())
def test_gini_is_its_formula(pair: tuple[Array, Array]) -> None:
    scores, labels = pair
    if labels.min() < labels.max():
        expected = direct_gini(scores, labels) / direct_gini(labels, labels)
        assert normalised_gini(scores, labels) == pytest.approx(expected, abs=1e-9)


@given(scores_and_labels())
def test_gini_of_two_label_values_is_twice_auc_minus_1(pair: tuple[Array, Array]) -> None:
    scores, labels = pair[0], (pair[1] > 2).astype(np.float32)
    expected = 2 * auc(torch.from_numpy(scores), torch.from_numpy(labels)) - 1
    assert normalised_gini(scores, labels) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(scores_and_labels())
def test_gini_turns_its_sign_with_the_order_and_stays_within_1(pair: tuple[Array, Array]) -> None:
    scores, labels = pair
    value = normalised_gini(scores, labels)
    assert normalised_gini(-scores, labels) == pytest.approx(-value, abs=1e-12, nan_ok=True)
    assert normalised_gini(np.exp(scores), labels) == pytest.approx(value, abs=1e-12, nan_ok=True)
    assert normalised_gini(scores, 7 * labels) == pytest.approx(value, abs=1e-12, nan_ok=True)
    assert math.isnan(value) or abs(value) <= 1 + 1e-12


def test_gini_at_its_ends():
    labels = np.array([0, 0, 1, 4, 20.0])
    assert normalised_gini(labels, labels) == 1
    assert normalised_gini(np.zeros(5), labels) == 0
    assert math.isnan(normalised_gini(labels, np.zeros(5)))
    assert math.isnan(normalised_gini(labels, np.full(5, 2.0)))
    assert math.isnan(normalised_gini(np.zeros(0), np.zeros(0)))
    assert math.isnan(normalised_gini(np.array([math.nan, 1.0]), np.array([0.0, 1.0])))
