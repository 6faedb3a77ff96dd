"""Truths about metrics that hold exactly or to float tolerance, whatever the scores."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import log_loss, roc_auc_score

from mtlbench.evaluation import auc, gauc, logloss, normalised_entropy, s_logloss
from mtlbench.statistics import delta_m

LENGTH = st.integers(2, 60)
FEW_VALUES = st.sampled_from([-3.5, -1.0, -0.0, 0.0, 0.25, 1e-30, 2.0, 40.0])
ANY_VALUE = st.floats(-50, 50)
MIXED = st.one_of(FEW_VALUES, ANY_VALUE)


@st.composite
def scored(draw, values=MIXED):
    """Scores and labels with both classes, ties likely."""
    n = draw(LENGTH)
    scores = torch.tensor(draw(st.lists(values, min_size=n, max_size=n)), dtype=torch.float64)
    labels = torch.tensor(draw(npst.arrays(np.float32, n, elements=st.sampled_from([0.0, 1.0]))))
    assume(0 < labels.sum() < n)
    return scores, labels


@given(scored())
def test_auc_equals_scikit_learn_with_ties(case):
    scores, labels = case
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(scored(FEW_VALUES))
def test_auc_counts_concordant_pairs_and_half_of_the_ties(case):
    scores, labels = case
    positive, negative = scores[labels == 1], scores[labels == 0]
    difference = positive[:, None] - negative[None, :]
    wins = (difference > 0).sum().item() + (difference == 0).sum().item() / 2
    assert auc(scores, labels) == wins / difference.numel()


@given(scored(), st.sampled_from([torch.float16, torch.bfloat16, torch.float32]))
def test_auc_of_narrow_floats_is_that_of_the_same_numbers_in_float64(case, dtype):
    scores, labels = case
    narrow = scores.to(dtype)
    assert auc(narrow, labels) == auc(narrow.double(), labels)


@given(scored(st.integers(-500, 500).map(lambda value: value / 10)))
def test_auc_is_invariant_to_monotone_maps(case):
    scores, labels = case
    value = auc(scores, labels)
    assert auc(3 * scores + 7, labels) == value
    assert auc(torch.atan(scores / 10), labels) == value


@given(scored())
def test_auc_of_opposite_scores_is_the_complement(case):
    scores, labels = case
    assert auc(-scores, labels) == pytest.approx(1 - auc(scores, labels), abs=1e-15)


@given(st.floats(-10, 10), LENGTH)
def test_all_tied_is_one_half(value, n):
    labels = (torch.arange(n) % 2).float()
    assert auc(torch.full((n,), value), labels) == 0.5


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_is_undefined_and_not_one_half(label):
    scores, labels, user = torch.randn(8), torch.full((8,), label), torch.zeros(8, dtype=torch.int64)
    assert math.isnan(auc(scores, labels))
    assert math.isnan(normalised_entropy(scores, labels))
    value, coverage = gauc(scores, labels, user)
    assert math.isnan(value)
    assert coverage == 0


def test_float32_sigmoid_would_tie_what_logits_tell_apart():
    logits = torch.tensor([20.0, 21.0])
    labels = torch.tensor([0.0, 1.0])
    assert auc(logits.sigmoid(), labels) == 0.5
    assert auc(logits, labels) == 1.0


@given(scored(st.floats(-8, 8)))  # beyond, the probability that the oracle takes has lost its digits near 1
def test_logloss_equals_scikit_learn(case):
    logits, labels = case
    assert logloss(logits, labels) == pytest.approx(log_loss(labels, logits.sigmoid()), rel=1e-9, abs=1e-12)


def test_logloss_of_extreme_logits_is_exact():
    labels = torch.tensor([1.0, 0.0])
    assert logloss(torch.tensor([-800.0, 800.0]), labels) == 800
    assert logloss(torch.tensor([40.0, -40.0]), labels) == pytest.approx(math.exp(-40), rel=1e-12)


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_base_rate_has_the_entropy_as_logloss(positives, negatives):
    n = positives + negatives
    labels = (torch.arange(n) < positives).float()
    p = positives / n
    logits = torch.full((n,), math.log(positives / negatives), dtype=torch.float64)
    assert logloss(logits, labels) == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), rel=1e-12)
    assert normalised_entropy(logits, labels) == pytest.approx(1, rel=1e-12)


@given(scored())
def test_one_session_or_one_row_per_session_is_the_plain_logloss(case):
    logits, labels = case
    n = len(labels)
    for session in (torch.full((n,), 7), torch.arange(n).flip(0)):
        assert s_logloss(logits, labels, session) == pytest.approx(logloss(logits, labels), rel=1e-12)


@given(scored(), st.data())
def test_s_logloss_is_the_mean_of_the_sessions_means(case, data):
    logits, labels = case
    session = torch.tensor(data.draw(st.lists(st.integers(0, 5), min_size=len(labels), max_size=len(labels))))
    means = [logloss(logits[session == one], labels[session == one]) for one in session.unique()]
    assert s_logloss(logits, labels, session) == pytest.approx(np.mean(means), rel=1e-12)


@given(scored())
def test_gauc_of_one_user_is_auc(case):
    scores, labels = case
    value, coverage = gauc(scores, labels, torch.full((len(labels),), 3))
    assert value == pytest.approx(auc(scores, labels), abs=1e-15)
    assert coverage == 1


@given(scored(), st.data())
def test_gauc_weighs_the_users_with_both_classes_by_their_rows(case, data):
    scores, labels = case
    user = torch.tensor(data.draw(st.lists(st.integers(-4, 4), min_size=len(labels), max_size=len(labels))))
    parts = [(auc(scores[user == one], labels[user == one]), int((user == one).sum())) for one in user.unique()]
    defined = [(value, rows) for value, rows in parts if not math.isnan(value)]
    value, coverage = gauc(scores, labels, user)
    covered = sum(rows for _, rows in defined)
    assert coverage == covered / len(labels)
    if defined:
        assert value == pytest.approx(sum(value * rows for value, rows in defined) / covered, abs=1e-12)
    else:
        assert math.isnan(value)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.data())
def test_delta_m_of_the_baseline_is_zero(baseline, data):
    lower = data.draw(st.lists(st.booleans(), min_size=len(baseline), max_size=len(baseline)))
    assert delta_m(baseline, baseline, lower) == 0
