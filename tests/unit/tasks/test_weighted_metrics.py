"""Every metric under sample weights: against scikit-learn where it has one, and against rows repeated for all."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from torch import Tensor

from mtlbench.evaluation import auc, gauc, logloss
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.metrics.numbers import mae, r2, rmse
from mtlbench.tasks.metrics.order import normalised_gini, xauc
from mtlbench.tasks.metrics.probabilities import average_precision
from mtlbench.tasks.registry import kinds, task_kind

ROWS = 80
BINARY = ("binary", {})
KINDS = [
    BINARY,
    ("real", {}),
    ("real", {"loss": "huber"}),
    ("nonnegative", {}),
    ("nonnegative", {"loss": "log-squared"}),
]


def rows(kind: str, seed: int, count: int = ROWS) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits with ties, labels with ties, sessions and users."""
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(size=(count, 1)).round(1)).float()
    signal = logits[:, 0].numpy() + random.normal(size=count)
    labels = signal > 0.3 if kind == "binary" else signal.round(1) if kind == "real" else np.maximum(signal, 0).round(1)
    session, user = (torch.from_numpy(random.integers(size, size=count)) for size in (25, 9))
    return logits, torch.from_numpy(np.asarray(labels, np.float32)).unsqueeze(1), session, user


@pytest.mark.parametrize(("kind", "params"), KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_score_as_the_rows_repeated_so_often(kind: str, params: dict[str, object], seed: int) -> None:
    columns = rows(kind, seed)
    times = torch.from_numpy(np.random.default_rng(seed).integers(0, 4, size=ROWS))
    repeated = [column.repeat_interleave(times, dim=0) for column in columns]
    weighted_tasks = FittedTasks.fit({"y": task_kind(kind, params)}, _without(columns[1], times), times.float())
    tasks = FittedTasks.fit({"y": task_kind(kind, params)}, repeated[1])
    assert weighted_tasks.scalings[0].mean == pytest.approx(tasks.scalings[0].mean)
    assert weighted_tasks.scalings[0].scale == pytest.approx(tasks.scalings[0].scale)
    expected = tasks.score(*repeated)["y"]
    found = weighted_tasks.score(*columns, weight=times.float())["y"]
    assert found.keys() == expected.keys() == {metric.key for metric in task_kind(kind, params).metrics}
    assert found == pytest.approx(expected, rel=1e-9)
    plain = tasks.score(*columns)["y"]
    assert all(found[key] != plain[key] for key in found if key != "gauc_coverage"), (
        "the weights matter to every metric"
    )
    assert tasks.primary(*columns[:2], times.float()) == pytest.approx(tasks.primary(*repeated[:2]))
    assert tasks.mean_losses(*columns[:2], times.float()) == pytest.approx(tasks.mean_losses(*repeated[:2]))
    assert tasks.chance(*columns[1:], times.float())["y"] == pytest.approx(
        tasks.chance(*repeated[1:])["y"], nan_ok=True
    )


def _without(labels: Tensor, times: Tensor) -> Tensor:
    return labels.masked_fill(times[:, None] == 0, torch.nan)


def test_every_metric_of_the_registry_is_scored_above() -> None:
    assert set(kinds()) == {kind for kind, _ in KINDS}
    assert {metric.key for kind, params in KINDS for metric in task_kind(kind, params).metrics} == set(METRICS)


@pytest.mark.parametrize(("kind", "params"), KINDS)
def test_weights_of_one_score_as_none_do(kind: str, params: dict[str, object]) -> None:
    """Up to the order of the sums; counts of pairs are whole numbers, and equal bit for bit."""
    columns = rows(kind, 5)
    tasks = FittedTasks.fit({"y": task_kind(kind, params)}, columns[1])
    expected, found = tasks.score(*columns)["y"], tasks.score(*columns, weight=torch.ones(ROWS))["y"]
    assert found == pytest.approx(expected, rel=1e-12)
    for key in {"auc", "gauc", "gauc_coverage", "xauc"} & found.keys():
        assert found[key] == expected[key]


@pytest.mark.parametrize(("kind", "params"), KINDS)
def test_only_the_ratios_of_weights_matter(kind: str, params: dict[str, object]) -> None:
    columns = rows(kind, 6)
    tasks = FittedTasks.fit({"y": task_kind(kind, params)}, columns[1])
    weight = torch.rand(ROWS, generator=torch.Generator().manual_seed(0)) + 0.1
    expected = tasks.score(*columns, weight=weight)["y"]
    for factor in (3.7, 1e-9, 1e9):
        assert tasks.score(*columns, weight=factor * weight)["y"] == pytest.approx(expected, rel=1e-6)


def test_coverage_is_a_share_of_the_weight() -> None:
    logits, labels, session, user = rows("real", 7)
    labels[:20] = torch.nan
    weight = torch.where(torch.arange(ROWS) < 20, 1.0, 3.0)
    tasks = FittedTasks.fit({"y": task_kind("real")}, labels)
    assert tasks.score(logits, labels, session, user, weight)["y"]["coverage"] == pytest.approx(180 / 200)
    gone = torch.where(torch.arange(ROWS) < 20, 0.0, 3.0)
    assert "coverage" not in tasks.score(logits, labels, session, user, gone)["y"]


Ours = Callable[[Tensor, Tensor, Tensor], float]
Theirs = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
ORACLES: dict[str, tuple[str, Ours, Theirs]] = {
    "auc": ("binary", auc, lambda y, s, w: roc_auc_score(y, s, sample_weight=w)),
    "average_precision": ("binary", average_precision, lambda y, s, w: average_precision_score(y, s, sample_weight=w)),
    "logloss": ("binary", logloss, lambda y, s, w: log_loss(y, 1 / (1 + np.exp(-s)), sample_weight=w)),
    "rmse": ("real", rmse, lambda y, s, w: math.sqrt(mean_squared_error(y, s, sample_weight=w))),
    "mae": ("real", mae, lambda y, s, w: mean_absolute_error(y, s, sample_weight=w)),
    "r2": ("real", r2, lambda y, s, w: r2_score(y, s, sample_weight=w)),
    "xauc": ("binary", xauc, lambda y, s, w: roc_auc_score(y, s, sample_weight=w)),
    "normalised_gini": ("binary", normalised_gini, lambda y, s, w: 2 * roc_auc_score(y, s, sample_weight=w) - 1),
}
"""XAUC and Gini of labels of 0 and 1 are AUC and 2 AUC - 1."""


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(name: str, seed: int) -> None:
    kind, ours, theirs = ORACLES[name]
    logits, labels, *_ = rows(kind, seed)
    scores, y = logits[:, 0].double(), labels[:, 0].double()
    weight = torch.from_numpy(np.random.default_rng(seed).gamma(0.5, size=ROWS))
    assert ours(scores, y, weight) == pytest.approx(theirs(y.numpy(), scores.numpy(), weight.numpy()), rel=1e-9)


def test_gauc_is_the_weighted_auc_of_each_user_by_the_weight_of_its_rows() -> None:
    logits, labels, _, user = rows("binary", 3, 300)
    scores, y = logits[:, 0], labels[:, 0]
    weight = torch.from_numpy(np.random.default_rng(3).gamma(0.5, size=300))
    user[:7] = 99  # a user of one class
    y[:7] = 1
    total = won = 0.0
    for one in user.unique():
        own = user == one
        if 0 < y[own].sum() < own.sum():
            size = float(weight[own].sum())
            won += size * roc_auc_score(y[own], scores[own], sample_weight=weight[own])
            total += size
    found, coverage = gauc(scores, y, user, weight)
    assert found == pytest.approx(won / total, rel=1e-9)
    assert coverage == pytest.approx(total / float(weight.sum()), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0.01, 100)), min_size=2, max_size=25))
def test_xauc_counts_each_pair_by_the_product_of_its_weights(given_rows: list[tuple[int, int, float]]) -> None:
    scores, labels, weight = (torch.tensor(column, dtype=torch.float64) for column in zip(*given_rows, strict=True))
    if labels.min() == labels.max():
        assert math.isnan(xauc(scores, labels, weight))
        return
    won = pairs = 0.0
    for s, y, w in given_rows:
        for t, z, v in given_rows:
            if y > z:
                pairs += w * v
                won += w * v * ((s > t) + (s == t) / 2)
    assert xauc(scores, labels, weight) == pytest.approx(won / pairs, rel=1e-9)
