"""What the metrics of a task of numbers cost on a split of a million rows, on one core.

Run with ``pytest tests/benchmarks/test_metric_speed.py -m '' --benchmark-only``. AUC of the same rows is beside them.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from mtlbench.evaluation import auc
from mtlbench.tasks.metrics.order import normalised_gini, xauc

ROWS = 1_000_000


def amounts(tied: bool) -> tuple[Tensor, Tensor]:
    """Scores and labels that are all different, or of whole numbers of which a third are 0."""
    generator = np.random.default_rng(0)
    labels = generator.exponential(100, ROWS).astype(np.float32)
    if tied:
        labels = np.where(generator.random(ROWS) < 1 / 3, 0, labels.round()).astype(np.float32)
    scores = (np.log1p(labels) + generator.normal(size=ROWS)).astype(np.float32)
    return torch.from_numpy(scores), torch.from_numpy(labels)


@pytest.mark.benchmark(group="metrics of a million rows")
@pytest.mark.parametrize("tied", [False, True], ids=["all different", "ties"])
@pytest.mark.parametrize("metric", [xauc, normalised_gini])
def test_metrics_of_order(benchmark: BenchmarkFixture, metric: Callable[[Tensor, Tensor], float], tied: bool) -> None:
    scores, labels = amounts(tied)
    benchmark(metric, scores, labels)


@pytest.mark.benchmark(group="metrics of a million rows")
def test_auc(benchmark: BenchmarkFixture) -> None:
    scores, labels = amounts(tied=True)
    benchmark(auc, scores, labels > 0)
