"""``synthetic`` with many tasks: what it promises of labels, true means, rates, missing labels and conflict."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench import api
from mtlbench.config.specs import resolve_texts
from mtlbench.data import load
from mtlbench.data.fingerprint import fingerprint
from mtlbench.data.hashes import FileHashes
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.tasks.fitted import FittedTasks
from mtlbench_plugins.datasets.synthetic import Synthetic


def generate(**params: Any) -> api.Log:
    return Synthetic(Synthetic.Params(**params)).load(Path())


@pytest.fixture(scope="module")
def log() -> api.Log:
    return generate(tasks=6, rows=40_000, scale=5, unobserved=0.3)


def test_the_default_is_the_funnel_bit_for_bit(tmp_path: Path) -> None:
    frame = generate(rows=500).frame
    assert pd.util.hash_pandas_object(frame).sum() == np.uint64(5032408234670169428)
    hashes = FileHashes(tmp_path)
    default, spelt_out, other = (
        fingerprint(Synthetic(Synthetic.Params(**params)), tmp_path, hashes)
        for params in ({}, {"tasks": 2, "kinds": "funnel", "unobserved": 0.0}, {"kinds": "binary"})
    )
    assert default == spelt_out != other
    # As in the records of leaderboards/synthetic.md.
    assert default == "4711ac9079b703efb7a862af5e73a2c78e791327fd705871202f205941aa017a"


def test_many_tasks_are_mixed_if_nothing_else_is_said() -> None:
    tasks = generate(tasks=7, rows=500).described_tasks
    assert [(task.name, task.kind, task.after) for task in tasks[:4]] == [
        ("binary_1", "binary", None),
        ("real_2", "real", None),
        ("nonnegative_3", "nonnegative", None),
        ("binary_4", "binary", None),
    ]
    assert len(tasks) == 7
    assert Synthetic.Params(tasks=3) == Synthetic.Params(tasks=3, kinds="mixed")
    assert {task.kind for task in generate(tasks=16, kinds="real", rows=500).described_tasks} == {"real"}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("tasks=1", "tasks = 1 is out of range"),
        ("tasks=17", "tasks = 17 is out of range"),
        ("tasks=6,kinds=funnel", "kinds=funnel is of 2 tasks, not of 6"),
        ("tasks=6,sparsity=0.7", "sparsity is no parameter of kinds=mixed"),
        ("kinds=real,difficulty=noise", "difficulty is no parameter of kinds=real"),
        ("rarest=0.1", "rarest is no parameter of kinds=funnel"),
        ("unobserved=0.5", "unobserved is no parameter of kinds=funnel"),
        ("tasks=6,unobserved=1", "unobserved = 1 is out of range"),
        ("tasks=6,kinds=mixd", "kinds = mixd is invalid"),
    ],
)
def test_refusals(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        resolve_texts(discover(()), "dataset", [f"synthetic[{spec}]"], "quick")


def test_too_few_causes_for_so_many_tasks_are_refused() -> None:
    with pytest.raises(api.DataError, match="1 users and 1 items are too few for 16 tasks"):
        generate(tasks=16, users=1, items=1, rows=500)


def observed(log: api.Log) -> dict[str, tuple[Any, Any]]:
    """Label and true mean of the observed rows of each task."""
    found = {}
    for name, truth in zip(log.task_names, log.optimum, strict=True):
        seen = log.frame[name].notna()
        found[name] = log.frame.loc[seen, name].to_numpy(), log.frame.loc[seen, truth].to_numpy()
    return found


def test_true_means_are_functions_of_the_inputs_alone(log: api.Log) -> None:
    inputs = [*log.categorical, *log.numerical]
    assert log.frame.duplicated(inputs).sum() > 500
    groups = log.frame.groupby(inputs)[list(log.optimum)]
    assert (groups.max() - groups.min()).to_numpy().max() < 1e-9


def test_labels_have_the_true_means_wherever_one_looks(log: api.Log) -> None:
    """In 20 groups by the true mean, and in groups by causes, mean label and mean truth agree within the noise."""
    for name, (label, truth) in observed(log).items():
        for groups in (pd.qcut(truth, 20, labels=False), log.frame.loc[log.frame[name].notna(), "category"].to_numpy()):
            error = pd.Series(label - truth).groupby(groups)
            z = error.mean() / error.sem()
            # Squares of standard normals: more than 45.3 (20 groups) once in 1000 times, and of 8 groups less often.
            assert (z**2).sum() < 45.3, name


def test_labels_drawn_anew_from_the_same_inputs_have_the_optimum_as_their_mean() -> None:
    """Many draws of few rows: their mean nears the true mean of every row, whatever the kind."""
    from mtlbench_plugins.datasets import _synthetic_tasks as drawn

    random = np.random.default_rng(0)
    signal = np.linspace(-2, 2, 9)
    for draw, setting in ((drawn._binary, 0.2), (drawn._real, 0.4), (drawn._nonnegative, 0.4)):
        mean = draw(signal, setting, random)[1]
        labels = np.stack([draw(signal, setting, random)[0] for _ in range(4000)])
        z = (labels.mean(0) - mean) / (labels.std(0) / np.sqrt(len(labels)))
        assert (z**2).sum() < 27.9  # of 9 squared standard normals, once in 1000 times


def test_base_rates_fall_by_equal_factors_to_the_rarest() -> None:
    log = generate(tasks=4, kinds="binary", rarest=0.05, rows=20_000)
    assert log.frame[list(log.optimum)].mean().tolist() == pytest.approx([0.4, 0.2, 0.1, 0.05])
    assert log.frame[log.task_names].mean().tolist() == pytest.approx([0.4, 0.2, 0.1, 0.05], rel=0.1)


def test_chance_is_the_share_that_scale_says() -> None:
    for kind, within in (("real", 0.01), ("nonnegative", 0.04)):
        found = observed(generate(tasks=3, kinds=kind, scale=4, rows=50_000))
        shares = [((label - truth) ** 2).mean() / label.var() for label, truth in found.values()]
        assert shares == pytest.approx([0.5, 0.25, 0.125], abs=within)


def test_nonnegative_labels_have_their_mean_and_are_sometimes_nothing() -> None:
    label, truth = observed(generate(tasks=3, kinds="nonnegative"))["nonnegative_1"]
    assert truth.mean() == pytest.approx(30)
    assert 0.001 < (label == 0).mean() < 0.05
    assert label.min() == 0


def test_the_share_of_missing_labels_is_as_asked_and_depends_on_nothing(log: api.Log) -> None:
    missing = log.frame[log.task_names].isna()
    assert missing.mean().tolist() == pytest.approx([0, 0.3, 0.3, 0.3, 0.3, 0.3], abs=0.01)
    others = missing.iloc[:, 1:].astype(float)
    correlations = others.corr().to_numpy()[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 0.02
    for name in (*log.optimum, "position"):
        assert others.corrwith(log.frame[name]).abs().max() < 0.02


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.integers(2, 16))
def test_conflict_is_the_correlation_of_the_scores(conflict: float, tasks: int) -> None:
    log = generate(tasks=tasks, kinds="real", conflict=conflict, drift=0, rows=500)
    found = log.frame[list(log.optimum)].corr().to_numpy()
    promised = np.cos(np.pi * conflict)
    for one in range(tasks):
        for other in range(one):
            even = (one - other) % 2 == 0
            assert found[one, other] == pytest.approx(abs(promised) if even else promised, abs=1e-9)


def test_conflict_moves_the_logits_of_every_kind() -> None:
    frame = generate(tasks=3, conflict=1, drift=0, rows=2000).frame
    logit = np.log(frame["mean_binary_1"] / (1 - frame["mean_binary_1"]))
    assert np.corrcoef(logit, frame["mean_real_2"])[0, 1] == pytest.approx(-1)
    assert np.corrcoef(logit, np.log(frame["mean_nonnegative_3"]))[0, 1] == pytest.approx(1)


def test_no_permutation_of_the_optimum_scores_better(cache_dir: Path) -> None:
    splits = load(Synthetic(Synthetic.Params(tasks=6, rows=5000, unobserved=0.2)), cache_dir, cache_dir)
    tasks, test = FittedTasks.of(splits), splits.test
    assert test.optimum is not None

    def scores(optimum: torch.Tensor) -> Mapping[str, Mapping[str, float | None]]:
        return tasks.score(tasks.logits(optimum), test.labels)

    best = scores(test.optimum)
    for seed in range(5):
        order = torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))
        worse = scores(test.optimum[order])
        for task in splits.schema.tasks:
            key = "auc" if task.kind == "binary" else "xauc"
            lower = "logloss" if task.kind == "binary" else "rmse"
            assert best[task.name][key] > worse[task.name][key] + 0.1
            assert best[task.name][lower] < worse[task.name][lower]
            assert best[task.name][key] > 0.65


def test_the_seed_is_all_that_chance_depends_on() -> None:
    same = [generate(tasks=5, rows=500, seed=seed).frame for seed in (1, 1, 2)]
    pd.testing.assert_frame_equal(same[0], same[1])
    assert not same[0].equals(same[2])
