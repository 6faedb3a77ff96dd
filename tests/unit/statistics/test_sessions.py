"""The bootstrap by session: equal to copying rows, and wide enough where rows of a session are alike."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from mtlbench.statistics import auc_session_interval, session_interval
from mtlbench.statistics.sessions import _session_counts


def copies(counts, session):
    """The rows of a sample: each as often as its session was drawn."""
    return np.repeat(np.arange(len(session)), counts[session].astype(int))


def log(rows, sessions, seed, ties=True):
    rng = np.random.default_rng(seed)
    session = np.unique(rng.integers(sessions, size=rows), return_inverse=True)[1]
    scores = rng.integers(4, size=rows) if ties else rng.normal(size=rows)
    return scores.astype(float), rng.integers(2, size=rows), session


@settings(max_examples=40)
@given(rows=st.integers(4, 60), sessions=st.integers(1, 12), seed=st.integers(0, 10**6), ties=st.booleans())
def test_auc_of_the_samples_is_that_of_copied_rows(rows, sessions, seed, ties):
    scores, labels, session = log(rows, sessions, seed, ties)
    found = auc_session_interval(scores, labels, session, level=0.8, resamples=8, seed=seed)
    if labels.min() == labels.max():
        assert math.isnan(found.value)
        return
    samples = []
    for counts in next(_session_counts(int(session.max()) + 1, 8, seed)).T:
        drawn = copies(counts, session)
        if len(set(labels[drawn])) == 2:
            samples.append(roc_auc_score(labels[drawn], scores[drawn]))
    assert found.value == pytest.approx(roc_auc_score(labels, scores))
    if samples:
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(samples, [0.1, 0.9])))


@given(rows=st.integers(1, 60), sessions=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_logloss_and_s_logloss_of_the_samples_are_those_of_copied_rows(rows, sessions, seed):
    losses, _, session = log(rows, sessions, seed, ties=False)
    size = np.bincount(session)
    total = np.bincount(session, losses)
    by_row = session_interval(total, size, level=0.8, resamples=30, seed=seed)
    by_session = session_interval(total / size, level=0.8, resamples=30, seed=seed)
    samples = next(_session_counts(len(size), 30, seed)).T
    expected = np.quantile([losses[copies(counts, session)].mean() for counts in samples], [0.1, 0.9])
    assert (by_row.value, by_row.low, by_row.high) == pytest.approx((losses.mean(), *expected))
    expected = np.quantile([np.repeat(total / size, counts.astype(int)).mean() for counts in samples], [0.1, 0.9])
    assert (by_session.value, by_session.low, by_session.high) == pytest.approx(((total / size).mean(), *expected))


def test_each_sample_draws_as_many_sessions_as_there_are():
    chunks = list(_session_counts(700_000, 5, 0))
    assert len(chunks) > 1
    assert [chunk.shape[0] for chunk in chunks] == [700_000] * len(chunks)
    assert sum(chunk.shape[1] for chunk in chunks) == 5
    assert all((chunk.sum(0) == 700_000).all() for chunk in chunks)


def test_the_interval_covers_where_rows_of_a_session_are_alike_and_rows_taken_apart_do_not():
    """Loss of a row = its session's level + noise; the truth is 0."""
    rng = np.random.default_rng(0)
    covered = {"session": 0, "row": 0}
    trials, sessions, rows = 300, 60, 8
    for trial in range(trials):
        losses = rng.normal(size=(sessions, 1)) + rng.normal(size=(sessions, rows))
        size = np.full(sessions, rows)
        for unit, found in {
            "session": session_interval(losses.sum(1), size, resamples=300, seed=trial),
            "row": session_interval(losses.ravel(), resamples=300, seed=trial),
        }.items():
            covered[unit] += found.low <= 0 <= found.high
    assert covered["session"] / trials == pytest.approx(0.94, abs=0.04)
    assert covered["row"] / trials < 0.75


def test_the_interval_of_auc_covers_the_truth():
    """Each session has one class, and a level that moves all of its scores."""
    rng = np.random.default_rng(1)
    trials, sessions, rows, lead = 200, 90, 6, 1.0
    truth = stats.norm.cdf(lead / 2)  # positive minus negative ~ N(lead, 4)
    covered = 0
    for trial in range(trials):
        labels = np.repeat(rng.integers(2, size=sessions), rows)
        scores = lead * labels + np.repeat(rng.normal(size=sessions), rows) + rng.normal(size=sessions * rows)
        found = auc_session_interval(scores, labels, np.repeat(np.arange(sessions), rows), resamples=300, seed=trial)
        covered += found.low <= truth <= found.high
    assert covered / trials == pytest.approx(0.94, abs=0.04)


def test_the_same_seed_draws_the_same_sessions():
    scores, labels, session = log(50, 9, 3)
    assert auc_session_interval(scores, labels, session) == auc_session_interval(scores, labels, session)
    assert auc_session_interval(scores, labels, session) != auc_session_interval(scores, labels, session, seed=1)


def test_other_lengths_are_refused():
    with pytest.raises(ValueError, match="N rows"):
        auc_session_interval([0.1, 0.2], [1], [0, 0])
    with pytest.raises(ValueError, match="per session"):
        session_interval([1, 2], [1])
    with pytest.raises(ValueError, match="per session"):
        session_interval([])
