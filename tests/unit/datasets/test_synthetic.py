from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.synthetic import Synthetic


def generate(**params: Any) -> api.Log:
    return Synthetic(Synthetic.Params(**params)).load(Path())


@pytest.fixture(scope="module")
def log() -> api.Log:
    return generate()


def test_the_optimum_is_a_function_of_the_inputs_alone(log: api.Log) -> None:
    inputs = [*log.categorical, *log.numerical]
    groups = log.frame.groupby(inputs)[list(log.optimum)]
    spread = groups.max() - groups.min()
    repeated = log.frame.duplicated(inputs).sum()
    assert repeated > 1000
    assert spread.to_numpy().max() < 1e-12


def test_labels_are_drawn_with_the_stated_probabilities(log: api.Log) -> None:
    for task, truth in zip(log.task_names, log.optimum, strict=True):
        bins = pd.qcut(log.frame[truth], 20)
        groups = log.frame.groupby(bins, observed=True)
        error = groups[task].mean() - groups[truth].mean()
        variance = groups[truth].agg(lambda p: (p * (1 - p)).sum() / len(p) ** 2)
        # 20 squared z-scores: chi-squared with 20 degrees of freedom exceeds 45.3 once in 1000 times.
        assert (error**2 / variance).sum() < 45.3


def test_the_optimum_is_that_of_a_funnel(log: api.Log) -> None:
    assert (log.frame["p_conversion"] <= log.frame["p_click"]).all()
    assert (log.frame["conversion"] <= log.frame["click"]).all()


@pytest.mark.parametrize(
    ("sparsity", "click", "conversion"), [(0.0, 0.55, 0.275), (0.5, 0.275, 0.06875), (0.9, 0.055, 0.00275)]
)
def test_sparsity_sets_the_base_rates(sparsity: float, click: float, conversion: float) -> None:
    frame = generate(sparsity=sparsity, rows=5000).frame
    assert frame["p_click"].mean() == pytest.approx(click, rel=1e-6)
    assert frame["p_conversion"].mean() == pytest.approx(conversion, rel=1e-6)


def affinities(**params: Any) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    frame = generate(drift=0, rows=5000, **params).frame
    odds = [p / (1 - p) for p in (frame["p_click"], frame["p_conversion"] / frame["p_click"])]
    return np.log(odds[0]), np.log(odds[1])


def test_conflict_turns_the_second_task_from_the_first_to_its_opposite() -> None:
    correlations = [np.corrcoef(*affinities(conflict=conflict))[0, 1] for conflict in (0, 0.25, 0.75, 1)]
    assert correlations[0] == pytest.approx(1)
    assert correlations[0] > correlations[1] > correlations[2] > correlations[3]
    assert correlations[3] == pytest.approx(-1)


def test_drift_is_the_slope_of_the_logit_along_the_session() -> None:
    still, tired = generate(drift=0).frame, generate(drift=0.7).frame
    logit = [np.log(frame["p_click"] / (1 - frame["p_click"])) for frame in (still, tired)]
    slope = np.polyfit(still["position"], logit[1] - logit[0], 1)[0]
    assert slope == pytest.approx(-0.7)


def test_position_counts_the_impressions_of_a_session_in_time(log: api.Log) -> None:
    ordered = log.frame.sort_values("time_ms", kind="stable")
    assert np.allclose(np.expm1(ordered["position"]), ordered.groupby("session").cumcount())
    assert (log.frame.groupby("session")["user_id"].nunique() == 1).all()
    assert log.frame["session"].value_counts().mean() == pytest.approx(6, rel=0.05)


def test_the_seed_is_all_that_chance_depends_on() -> None:
    pd.testing.assert_frame_equal(generate(rows=500).frame, generate(rows=500).frame)
    assert not generate(rows=500).frame.equals(generate(rows=500, seed=1).frame)


@pytest.mark.parametrize("params", [{"users": 1, "items": 1}, {"session_length": 1}, {"rows": 100}, {"items": 100_000}])
def test_extreme_sizes_are_sound(params: dict[str, int]) -> None:
    frame = generate(**{"rows": 1000, **params}).frame
    assert not frame.isna().any(axis=None)
    assert frame[["p_click", "p_conversion"]].to_numpy().min() > 0
    assert frame[["p_click", "p_conversion"]].to_numpy().max() < 1


def test_an_honest_model_lies_between_chance_and_the_optimum(cache_dir: Path) -> None:
    splits = load(Synthetic(Synthetic.Params()), cache_dir, cache_dir)
    model_inputs = [split.categorical.numpy() for split in (splits.train, splits.test)]
    assert splits.test.optimum is not None
    for task in range(2):
        model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=200, C=0.3))
        model.fit(model_inputs[0], splits.train.labels[:, task].numpy())
        labels = splits.test.labels[:, task].numpy()
        reached = roc_auc_score(labels, model.predict_proba(model_inputs[1])[:, 1])
        optimal = roc_auc_score(labels, splits.test.optimum[:, task].numpy())
        assert 0.6 < reached < optimal < 0.95


@pytest.mark.parametrize("difficulty", ["noise", "signal"])
def test_difficulty_changes_late_impressions_and_leaves_the_early_ones_as_they_are(difficulty: str):
    plain, hard = generate(rows=5000).frame, generate(rows=5000, difficulty=difficulty).frame
    late = hard["position"] >= np.log1p(3)
    assert np.allclose(plain["p_click"][~late], hard["p_click"][~late], atol=0.05)
    assert not np.allclose(plain["p_click"][late], hard["p_click"][late], atol=0.05)


def test_noise_leaves_little_to_know_and_signal_as_much_as_elsewhere():
    spread = {
        difficulty: np.ptp(np.quantile(frame["p_click"][frame["position"] >= np.log1p(3)], [0.1, 0.9]))
        for difficulty in ("none", "noise", "signal")
        for frame in [generate(rows=20_000, difficulty=difficulty).frame]
    }
    assert spread["noise"] == pytest.approx(0.2 * spread["none"], rel=0.1)
    assert spread["signal"] > 0.6 * spread["none"]
