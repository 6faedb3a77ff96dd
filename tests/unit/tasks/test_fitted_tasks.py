"""The tasks of a dataset: losses and scores of K tasks at once, of one kind and of several, observed or not."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mtlbench.errors import DataError, TrainingError
from mtlbench.evaluation import auc, score, score_probabilities
from mtlbench.tasks.fitted import COVERAGE, FittedTasks
from mtlbench.tasks.kind import TaskKind
from mtlbench.tasks.objective import Objective
from mtlbench.tasks.registry import task_kind

BINARY: dict[str, TaskKind] = {"click": task_kind("binary"), "buy": task_kind("binary")}
MIXED: dict[str, TaskKind] = {
    "click": task_kind("binary"),
    "watch": task_kind("nonnegative"),
    "rating": task_kind("real", {"loss": "huber"}),
    "spend": task_kind("nonnegative", {"loss": "log-squared"}),
}


def split(seed: int, rows: int = 120) -> tuple[Tensor, Tensor, Tensor]:
    """Binary labels (N, 2), session and user ids."""
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.rand(rows, 2, generator=generator) < torch.tensor([0.4, 0.1])).float()
    labels[:2] = torch.eye(2)
    ids = torch.randint(0, 15, (2, rows), generator=generator)
    return labels, ids[0], ids[1]


def mixed(seed: int, rows: int = 120) -> tuple[Tensor, Tensor]:
    """Labels (N, 4) of the mixed tasks, a signal (N, 4) that tells of them."""
    generator = torch.Generator().manual_seed(seed)
    signal = torch.randn(rows, 4, generator=generator)
    noise = torch.randn(rows, 4, generator=generator)
    z = signal + noise
    labels = torch.stack([(z[:, 0] > 0).float(), 30 * z[:, 1].exp(), 3 + z[:, 2], (9 * z[:, 3]).clamp(min=0)], dim=1)
    return labels, signal


# -- binary tasks, all observed: what the harness has always computed -------------------------------------------------


@given(seed=st.integers(0, 10_000))
def test_losses_of_binary_tasks_are_those_of_the_harness_bit_for_bit(seed: int) -> None:
    labels, *_ = split(seed)
    tasks = FittedTasks.fit(BINARY, labels)
    targets, observed = tasks.targets(labels)
    assert targets is labels
    assert observed is None
    logits = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    found, expected = (
        tasks.losses(logits, targets, observed),
        F.binary_cross_entropy_with_logits(logits, labels, reduction="none"),
    )
    assert found.equal(expected)
    of_found, of_expected = (torch.autograd.grad(losses.mean(), logits)[0] for losses in (found, expected))
    assert of_found.equal(of_expected)


@given(seed=st.integers(0, 10_000))
def test_scores_of_binary_tasks_are_those_of_the_harness_bit_for_bit(seed: int) -> None:
    labels, session, user = split(seed)
    logits = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed))
    tasks = FittedTasks.fit(BINARY, labels)
    found = tasks.score(logits, labels, session, user)
    expected = score(logits, labels, session, user, list(BINARY))
    assert {task: {key: found[task][key] for key in values} for task, values in expected.items()} == expected
    assert all(set(found[task]) - set(expected[task]) == {"average_precision"} for task in found)
    primary = tasks.primary(logits, labels)
    aucs = [auc(logits[:, k], labels[:, k]) for k in range(2)]
    assert primary == aucs
    mean = Objective("mean", tasks.primary_metrics)
    assert mean.of(dict(zip(BINARY, primary, strict=True))) == sum(aucs) / len(aucs)


def test_scores_of_true_probabilities_are_those_of_the_harness():
    labels, session, user = split(3)
    probabilities = torch.rand(len(labels), 2, dtype=torch.float64)
    tasks = FittedTasks.fit(BINARY, labels)
    found = tasks.score(tasks.logits(probabilities), labels, session, user)
    expected = score_probabilities(probabilities, labels, session, user, list(BINARY))
    assert {task: {key: found[task][key] for key in values} for task, values in expected.items()} == expected


# -- kinds side by side -----------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000))
def test_each_task_has_the_loss_and_the_prediction_of_its_kind(seed: int) -> None:
    labels, signal = mixed(seed)
    tasks = FittedTasks.fit(MIXED, labels)
    targets, _ = tasks.targets(labels)
    losses, predictions = tasks.losses(signal, targets), tasks.predictions(signal)
    assert losses.shape == predictions.shape == labels.shape
    for k, (task, kind) in enumerate(MIXED.items()):
        alone = FittedTasks.fit({task: kind}, labels[:, [k]])
        torch.testing.assert_close(losses[:, [k]], alone.losses(signal[:, [k]], alone.targets(labels[:, [k]])[0]))
        assert predictions[:, [k]].equal(alone.predictions(signal[:, [k]]))


def test_a_task_is_scored_by_the_metrics_of_its_kind_in_their_order():
    labels, signal = mixed(0)
    rows = torch.arange(len(labels))
    scores = FittedTasks.fit(MIXED, labels).score(signal, labels, rows // 5, rows // 7)
    for task, kind in MIXED.items():
        assert list(scores[task]) == [metric.key for metric in kind.metrics]
        assert None not in scores[task].values()
    assert scores["watch"]["loss"] != scores["watch"]["s_loss"]


def test_without_sessions_or_users_their_metrics_are_left_out():
    labels, signal = mixed(0)
    scores = FittedTasks.fit(MIXED, labels).score(signal, labels)
    assert not {"s_logloss", "gauc", "gauc_coverage"} & set(scores["click"])
    assert "s_loss" not in scores["watch"]
    assert {"auc", "logloss"} < set(scores["click"])


def test_the_mean_loss_is_the_loss_that_was_trained_with():
    labels, signal = mixed(1)
    tasks = FittedTasks.fit(MIXED, labels)
    means = tasks.losses(signal, tasks.targets(labels)[0]).mean(0)
    scores = tasks.score(signal, labels)
    for k, task in enumerate(MIXED):
        key = "logloss" if task == "click" else "loss"
        assert scores[task][key] == pytest.approx(float(means[k]), rel=1e-5)


def test_perfect_predictions_have_perfect_scores():
    labels, _ = mixed(2)
    tasks = FittedTasks.fit(MIXED, labels)
    scores = tasks.score(tasks.logits(labels.double()), labels)
    assert scores["click"]["auc"] == scores["click"]["average_precision"] == 1
    for task in ("watch", "rating", "spend"):
        assert scores[task]["xauc"] == 1
        assert scores[task]["r2"] == pytest.approx(1)
        assert scores[task]["mae"] == pytest.approx(0, abs=1e-4)
        assert scores[task]["loss"] == pytest.approx(0, abs=1e-10)
    assert scores["watch"]["normalised_gini"] == 1
    assert scores["spend"]["calibration"] == pytest.approx(1)


def test_chance_is_the_training_mean_for_every_row():
    train, _ = mixed(3)
    test, _ = mixed(4)
    scores = FittedTasks.fit(MIXED, train).chance(test)
    assert scores["click"]["auc"] == 0.5
    assert scores["click"]["average_precision"] == pytest.approx(float(test[:, 0].mean()))
    assert scores["click"]["calibration"] == pytest.approx(float(train[:, 0].mean() / test[:, 0].mean()))
    for k, task in ((1, "watch"), (2, "rating"), (3, "spend")):
        mean = train[:, k].double().mean()
        assert scores[task]["xauc"] == 0.5
        assert scores[task]["mae"] == pytest.approx(float((test[:, k] - mean).abs().mean()), rel=1e-6)
        assert (scores[task]["r2"] or 0) <= 1e-12
    assert scores["watch"]["normalised_gini"] == 0
    of_training = FittedTasks.fit(MIXED, train).chance(train)
    assert of_training["rating"]["r2"] == pytest.approx(0, abs=1e-6)
    assert of_training["click"]["normalised_entropy"] == pytest.approx(1)


def test_the_objective_is_the_mean_of_primary_metrics_that_higher_is_better_of():
    labels, signal = mixed(5)
    tasks = FittedTasks.fit(MIXED, labels)
    scores, primary = tasks.score(signal, labels), tasks.primary(signal, labels)
    assert primary == [scores["click"]["auc"], *(scores[task]["xauc"] for task in ("watch", "rating", "spend"))]
    mean = Objective("mean", tasks.primary_metrics)
    assert mean.of(dict(zip(MIXED, primary, strict=True))) == pytest.approx(sum(primary) / 4)
    assert math.isnan(mean.of(dict(zip(MIXED, [0.7, math.nan, 0.5, 0.5], strict=True))))


# -- labels that were not observed ------------------------------------------------------------------------------------


def test_scores_are_those_of_the_observed_rows_alone():
    labels, signal = mixed(6)
    tasks = FittedTasks.fit(MIXED, labels)
    session = torch.arange(len(labels)) // 4
    gaps = labels.clone()
    unseen = torch.rand(len(labels), 4, generator=torch.Generator().manual_seed(0)) < 0.4
    unseen[:, 1] = False
    gaps[unseen] = math.nan
    scores = tasks.score(signal, gaps, session, session)
    for k, task in enumerate(MIXED):
        kept = ~unseen[:, k]
        alone = tasks.score(signal[kept], labels[kept], session[kept], session[kept])[task]
        expected = alone if task == "watch" else {**alone, COVERAGE: float(kept.double().mean())}
        assert scores[task] == expected
    assert tasks.primary(signal, gaps) == [scores[task][kind.primary.key] for task, kind in MIXED.items()]


def test_a_task_that_a_split_never_observes_has_no_scores():
    labels, signal = mixed(7)
    tasks = FittedTasks.fit(MIXED, labels)
    gaps = labels.clone()
    gaps[:, 2] = math.nan
    rows = torch.arange(len(labels))
    scores = tasks.score(signal, gaps, rows, rows)
    assert scores["rating"].pop(COVERAGE) == 0
    assert set(scores["rating"].values()) == {None}
    gaps[:, 0] = math.nan
    assert {value for key, value in tasks.score(signal, gaps, rows, rows)["click"].items() if key != COVERAGE} == {None}


def test_scalings_ignore_what_was_not_observed():
    labels, _ = mixed(8)
    gaps = torch.cat([labels, torch.full((30, 4), math.nan)])
    assert FittedTasks.fit(MIXED, gaps).scalings == FittedTasks.fit(MIXED, labels).scalings


# -- errors -----------------------------------------------------------------------------------------------------------


def test_a_task_that_cannot_be_fitted_is_named():
    labels, _ = mixed(0)
    labels[:, 2] = math.nan
    with pytest.raises(DataError, match="task 'rating' has no observed label in the train split"):
        FittedTasks.fit(MIXED, labels)


def test_diverged_logits_are_an_error_that_names_the_task():
    labels, *_ = split(0)
    tasks = FittedTasks.fit(BINARY, labels)
    logits = torch.zeros(len(labels), 2)
    logits[1, 1], logits[2, 1] = math.nan, math.inf
    with pytest.raises(TrainingError, match=r"click 0, buy 2 of 120 rows"):
        tasks.score(logits, labels)
    assert math.isnan(tasks.primary(logits, labels)[1])


def test_impossible_true_means_are_refused():
    labels, _ = mixed(0)
    tasks = FittedTasks.fit(MIXED, labels)
    means = labels.double()
    means[3, 1] = -1
    with pytest.raises(DataError, match="1 true means are negative or not finite, the first is -1"):
        tasks.logits(means)


def test_one_scaling_per_task_is_asked_for():
    labels, _ = mixed(0)
    tasks = FittedTasks.fit(MIXED, labels)
    with pytest.raises(ValueError, match="zip"):
        FittedTasks(MIXED, tasks.scalings[:2])
    assert FittedTasks(MIXED, tuple(replace(scaling) for scaling in tasks.scalings)).scalings == tasks.scalings
