"""Scoring a split: inference and AUC of every task, against the public style.

Run with ``pytest tests/benchmarks/test_evaluation.py -m '' --benchmark-only -s``. The reference goes through a
DataLoader in batches of 2048, collects scores and labels as Python lists, and asks scikit-learn. Both run in processes
of their own, ours with the settings of a cell. On two cores ours are two cells, each with a thread and a split of its
own, as under ``mtlbench run --jobs 2``, and the reference has two threads.
"""

from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from mtlbench import api
from mtlbench.api import Inputs
from mtlbench.benchmarking import in_public_style, workload
from mtlbench.benchmarking.interleaved import InterleavedWorker, SimultaneousWorkers
from mtlbench.benchmarking.public_style import public_loader
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.evaluation import auc
from mtlbench.experiments.process import prepare_process
from mtlbench.training import BackboneTrainer

ROWS = 50_000
BATCH = 2048
ROUNDS = 10
SIZES = {"embedding": 128, "bottom": (512, 256), "tower": (128, 64)}
CATALOGUE = discover(())


def backbone(name: str, schema: api.Schema) -> api.Backbone:
    cls = CATALOGUE.backbones[name].cls
    torch.manual_seed(0)
    return cls(schema, cls.Params(**SIZES))


def our_scores(trainer: BackboneTrainer, split: api.Split) -> list[float]:
    logits = trainer.infer(split)
    return [auc(logits[:, k], split.labels[:, k]) for k in range(logits.shape[1])]


def public_scores(network: nn.Module, split: api.Split) -> list[float]:
    tasks = split.labels.shape[1]
    scores: list[list[float]] = [[] for _ in range(tasks)]
    labels: list[list[float]] = [[] for _ in range(tasks)]
    network.eval()
    with torch.no_grad():
        for *inputs, label in public_loader(split, BATCH, shuffle=False):
            probabilities: Tensor = torch.sigmoid(network(Inputs.of(inputs)))
            for k in range(tasks):
                scores[k].extend(probabilities[:, k].tolist())
                labels[k].extend(label[:, k].tolist())
    return [float(roc_auc_score(labels[k], scores[k])) for k in range(tasks)]


def ours(name: str, pace: Callable[[], None]) -> None:
    prepare_process(torch.device("cpu"))
    splits = workload(ROWS)
    trainer = BackboneTrainer(backbone(name, splits.schema), splits, Training(), 0)
    while True:
        our_scores(trainer, splits.train)
        pace()


def public(name: str, threads: int, pace: Callable[[], None]) -> None:
    torch.set_num_threads(threads)
    splits = workload(ROWS)
    network = in_public_style(backbone(name, splits.schema))
    while True:
        public_scores(network, splits.train)
        pace()


@pytest.mark.benchmark(group="evaluation")
@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("name", ["shared-bottom", "mmoe"])
def test_inference_and_auc(benchmark: BenchmarkFixture, name: str, cores: int) -> None:
    splits = workload(4 * BATCH)
    own = backbone(name, splits.schema)
    expected = public_scores(in_public_style(own), splits.train)
    assert our_scores(BackboneTrainer(own, splits, Training(), 0), splits.train) == pytest.approx(expected, abs=1e-4)
    with SimultaneousWorkers(cores, ours, name) as mine, InterleavedWorker(public, name, cores) as theirs:
        mine.take_turn(1)
        theirs.take_turn(1)
        ratio = cores * side_by_side(benchmark, lambda: mine.take_turn(1), lambda: theirs.take_turn(1), ROUNDS)
    own_rate, rate = (
        splits_done * ROWS / benchmark.extra_info[f"{whose}_seconds"]
        for whose, splits_done in (("ours", cores), ("reference", 1))
    )
    print(f"\n{name} on {cores} cores: {own_rate:,.0f} rows/s, the reference {rate:,.0f}, ratio {ratio:.2f}")
