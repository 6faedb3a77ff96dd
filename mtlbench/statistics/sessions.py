"""Intervals of one model's metrics: the bootstrap by session."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from mtlbench.statistics.estimate import Estimate

CHUNK = 2_000_000
"""Most numbers that one array of resampled weights holds."""


def session_interval(
    total: ArrayLike, weight: ArrayLike | None = None, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Interval of a mean metric of one model, by resampling sessions instead of rows.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 8: what is resampled must be what is
    independent. Rows of a session share a user and an hour; resampling rows would take them for independent and give
    an interval that is too narrow. Percentile interval of ``sum_s c_s total_s / sum_s c_s weight_s``, where c_s counts
    how often session s was drawn.

    Args:
        total: (S,) of each session the sum of its rows' losses (logloss), or its mean loss (s-logloss).
        weight: (S,) of each session its number of rows (logloss); ``None`` for ones (s-logloss).
        level: coverage, in (0, 1).
        resamples: bootstrap samples.
        seed: of the resampling; the same for two models draws the same sessions.

    Raises:
        ValueError: the shapes differ, or there is no session.
    """
    totals = np.asarray(total, float)
    weights = np.ones_like(totals) if weight is None else np.asarray(weight, float)
    if totals.ndim != 1 or totals.shape != weights.shape or totals.size == 0:
        raise ValueError(f"one total and one weight per session: got shapes {totals.shape} and {weights.shape}")
    samples = [(totals @ counts) / (weights @ counts) for counts in _session_counts(totals.size, resamples, seed)]
    return _percentiles(float(totals.sum() / weights.sum()), np.concatenate(samples), level)


def auc_session_interval(
    scores: ArrayLike, labels: ArrayLike, session: ArrayLike, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Interval of one model's AUC, by resampling sessions instead of rows.

    As :func:`session_interval`, but AUC is no mean over sessions: it counts pairs of rows, most of them from two
    sessions. A session drawn c times is c copies of its rows, so each sample is the AUC with rows weighted by c:
    ``sum_pn w_p w_n (1[s_p > s_n] + 1[s_p = s_n] / 2) / (sum_p w_p sum_n w_n)`` over positive rows p and negative rows
    n. Rows are sorted once; the weights of the negative rows between two neighbouring positives are then one sparse
    product for many samples, and what a positive beats is a cumulative sum of them.

    Args:
        scores: (N,) higher means more likely.
        labels: (N,) 0 or 1.
        session: (N,) integer ids, in any order.
        level: coverage, in (0, 1).
        resamples: bootstrap samples; those that drew one class only are left out.
        seed: of the resampling; the same for two models draws the same sessions.

    Returns:
        AUC and its interval; NaN where there is one class only.

    Raises:
        ValueError: the shapes differ, or there is no row.
    """
    found, positive = np.asarray(scores, float), np.asarray(labels) == 1
    owner = np.unique(np.asarray(session), return_inverse=True)[1]
    if found.ndim != 1 or not found.shape == positive.shape == owner.shape or found.size == 0:
        raise ValueError(f"scores, labels and sessions of N rows: got {found.shape}, {positive.shape}, {owner.shape}")
    order = np.argsort(found[~positive], kind="stable")
    sorted_negatives, negatives, positives = found[~positive][order], owner[~positive][order], owner[positive]
    if 0 in (negatives.size, positives.size):
        return Estimate(np.nan, np.nan, np.nan)
    below = np.searchsorted(sorted_negatives, found[positive], "left")
    up_to = np.searchsorted(sorted_negatives, found[positive], "right")
    # Negative rows between two neighbouring positives are never told apart: one sum for all of them.
    places, lookups = np.unique(np.concatenate([below, up_to, [negatives.size]]), return_inverse=True)
    lower, upper = lookups[: below.size], lookups[below.size : -1]
    sessions = int(owner.max()) + 1
    between = np.searchsorted(places, np.arange(negatives.size), "right")
    rows_between = csr_array((np.ones(negatives.size), (between, negatives)), shape=(places.size, sessions))

    def weighted(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """AUC (b,) under the counts (S, b) of sessions."""
        passed = np.cumsum(rows_between @ counts, axis=0)
        own = counts[positives]
        wins = (own * (passed[lower] + passed[upper])).sum(0)
        with np.errstate(invalid="ignore"):
            return wins / (2 * own.sum(0) * passed[-1])

    counts = _session_counts(sessions, resamples, seed)
    samples = np.concatenate([weighted(chunk) for chunk in counts])
    auc = float(weighted(np.ones((sessions, 1)))[0])
    return _percentiles(auc, samples[~np.isnan(samples)], level)


def _session_counts(sessions: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each session is drawn, (S, b) for b samples at a time."""
    rng = np.random.default_rng(seed)
    size = max(1, CHUNK // sessions)
    for start in range(0, resamples, size):
        many = min(size, resamples - start)
        drawn = rng.integers(sessions, size=(sessions, many)) * many + np.arange(many)
        yield np.bincount(drawn.ravel(), minlength=sessions * many).reshape(sessions, many).astype(float)


def _percentiles(value: float, samples: NDArray[np.float64], level: float) -> Estimate:
    if samples.size == 0:
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))
