"""A training step of every backbone against a loop in the public style, and against a public peer's own loop.

Run with ``pytest tests/benchmarks/test_training_steps.py -m '' --benchmark-only -s``. The reference is that of
``mtlbench bench``, which prints the whole table; here each backbone is a benchmark of its own. With ``MTLBENCH_PEER``
naming a checkout of https://github.com/easezyc/Multitask-Recommendation-Library its models run too, in its own training
loop and at its own settings: batch normalisation, weight decay 1e-6; MetaHeac without meta-learning, whose code asks
for a GPU. All have as many threads as ``OMP_NUM_THREADS`` says, one unless it does.
"""

import importlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side

from mtlbench.benchmarking import workload
from mtlbench.benchmarking.interleaved import InterleavedWorker
from mtlbench.benchmarking.public_style import public_loader
from mtlbench.benchmarking.timed_work import BATCHES, UNBOUNDED, WorkerSettings, our_training, public_training
from mtlbench.cells import PluginSpec, Training
from mtlbench.config.specs import resolve
from mtlbench.discovery import discover

PEER = os.environ.get("MTLBENCH_PEER")
PEER_NAMES = {
    "shared-bottom": "sharedbottom",
    "single-task": "singletask",
    "omoe": "omoe",
    "mmoe": "mmoe",
    "ple": "ple",
    "aitm": "aitm",
    "metaheac": "metaheac",
}
CATALOGUE = discover(())
TRAINING = Training(epochs=UNBOUNDED, patience=UNBOUNDED)
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
WARM_UP = 20
TURN = 3
ROUNDS = 10


def setting(name: str) -> WorkerSettings:
    return WorkerSettings(resolve(CATALOGUE, "backbone", name, {}, "paper").spec, TRAINING, THREADS)


def compare(benchmark: BenchmarkFixture, name: str, reference: InterleavedWorker) -> None:
    with InterleavedWorker(our_training, setting(name), PluginSpec("constant", {})) as ours, reference:
        ours.take_turn(WARM_UP)
        reference.take_turn(TURN)
        ratio = side_by_side(benchmark, lambda: ours.take_turn(TURN), lambda: reference.take_turn(TURN), ROUNDS)
    rows = TURN * TRAINING.batch_size
    own, theirs = (rows / benchmark.extra_info[f"{whose}_seconds"] for whose in ("ours", "reference"))
    print(f"\n{name}: {own:,.0f} rows/s, the reference {theirs:,.0f}, ratio {ratio:.2f}")


@pytest.mark.benchmark(group="training steps, public style")
@pytest.mark.parametrize("name", sorted(CATALOGUE.backbones))
def test_against_the_public_style(benchmark: BenchmarkFixture, name: str) -> None:
    compare(benchmark, name, InterleavedWorker(public_training, setting(name)))


@pytest.mark.benchmark(group="training steps, public peer")
@pytest.mark.skipif(PEER is None, reason="MTLBENCH_PEER names no checkout of MTReclib")
@pytest.mark.parametrize("name", PEER_NAMES)
def test_against_a_public_peer(benchmark: BenchmarkFixture, name: str) -> None:
    pytest.importorskip("tqdm", reason="MTReclib imports tqdm, which is not installed")
    compare(benchmark, name, InterleavedWorker(peer_training, str(PEER), PEER_NAMES[name], THREADS))


class PacedLoader:
    """Batches for ever; asking for the next one ends the step before."""

    def __init__(self, loader: Any, pace: Callable[[], None]) -> None:
        self._loader, self._pace = loader, pace

    def __iter__(self) -> Iterator[Any]:
        batches = itertools.chain.from_iterable(itertools.repeat(self._loader))
        yield next(batches)
        for batch in batches:
            self._pace()
            yield batch


def peer_training(checkout: str, name: str, threads: int, pace: Callable[[], None]) -> None:
    """Train the peer's model ``name`` by the peer's own loop, at the settings of its command line."""
    root = Path(checkout).resolve()
    sys.path[:0] = [str(root), str(root / "models")]  # some of its models import their layers by the bare name
    main = importlib.import_module("main")
    torch.set_num_threads(threads)
    splits = workload(BATCHES * TRAINING.batch_size)
    dimensions = [field.cardinality for field in splits.schema.categorical]
    model = main.get_model(name, dimensions, len(splits.schema.numerical), len(splits.schema.tasks), 8, 128)
    optimiser = torch.optim.Adam(params=model.parameters(), lr=1e-3, weight_decay=1e-6)
    loader = PacedLoader(public_loader(splits.train, TRAINING.batch_size, shuffle=True), pace)
    main.train(model, optimiser, loader, torch.nn.BCELoss(), "cpu")
