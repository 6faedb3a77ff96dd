"""A training step under a method of task gradients beside the same method of TorchJD and of LibMTL.

Run with ``OMP_NUM_THREADS=1 pytest tests/benchmarks/test_library_steps.py -m '' --benchmark-only -s``. All train the
same network, each a copy of its own, in one process, and take turns step by step; times are those of the processor, so
that other programs disturb them little. Ours is the harness's step. The others are a step of the loop in the public
style, with the library's backward pass: torch's layers, a dense table, dense Adam. What the harness sets for its
processes (memory that is kept, the fastest exact product) all have. ``mtlbench bench`` compares in processes, by the
clock, and with a loader that fetches row by row.

A library that cannot be imported is left out. LibMTL is a checkout of
https://github.com/median-research-group/LibMTL on ``PYTHONPATH``; it imports cvxpy and torch_geometric.
"""

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from mtlbench.api import Backbone, Setting, Splits
from mtlbench.benchmarking import in_public_style, workload
from mtlbench.benchmarking.peers import Peer, libraries, peer
from mtlbench.benchmarking.public_style import public_step
from mtlbench.cells import Training
from mtlbench.config.specs import Resolved, resolve, resolve_texts
from mtlbench.discovery import discover
from mtlbench.experiments.process import prepare_process
from mtlbench.training.gradients import PROBE_ROWS
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded
from mtlbench.training.update import WeightedUpdate

METHODS = ("pcgrad", "mgda", "upgrad", "aligned-mtl", "imtl-g")
BATCH, BATCHES, WARM_UP, ROUNDS = 2048, 8, 2, 7
CATALOGUE = discover(())
OURS = "mtlbench"

Step = Callable[[int], float]
"""From the number of a batch to the processor's seconds."""


@pytest.mark.benchmark(group="a step of a method of task gradients, beside other libraries")
@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize("preset", ["compact", "paper"])
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
def test_steps_beside_other_libraries(benchmark: BenchmarkFixture, backbone: str, preset: str, tasks: int) -> None:
    prepare_process(torch.device("cpu"))
    torch.set_num_threads(1)
    splits = workload(BATCH * BATCHES, tasks=tasks)
    network = resolve(CATALOGUE, "backbone", backbone, {}, preset)
    steps: dict[tuple[str, str], Step] = {}
    for weighting in resolve_texts(CATALOGUE, "weighting", METHODS, preset):
        method = weighting.create()
        steps[method.name, OURS] = our_step(splits, network, weighting)
        for package in libraries(method):
            if (found := peer(package, method, tasks)) is not None:
                try:
                    steps[method.name, package] = their_step(splits, network, found)
                    steps[method.name, package](0)
                except RuntimeError as error:  # such as a function that torch no longer has
                    del steps[method.name, package]
                    print(f"\n{method.name}, {package}: left out, {error}")
    if all(library == OURS for _, library in steps):
        pytest.skip("neither torchjd nor LibMTL can be imported: pip install 'mtlbench[oracle]'")
    seconds = list[dict[tuple[str, str], float]]()

    def step_of_each() -> None:
        seconds.append({key: step(len(seconds)) for key, step in steps.items()})

    benchmark.pedantic(step_of_each, warmup_rounds=WARM_UP, rounds=ROUNDS)
    for name, library in steps:
        if library != OURS:
            ratio = statistics.median(times[name, library] / times[name, OURS] for times in seconds[WARM_UP:])
            benchmark.extra_info[f"{name}, {library}"] = ratio
            print(f"\n{backbone}, {preset}, {tasks} tasks, {name}: {library} takes {ratio:.2f} times ours", end="")


def our_step(splits: Splits, network: Resolved, weighting: Resolved) -> Step:
    model = Model(initial(splits, network), splits, Training(batch_size=BATCH))
    method = weighting.create()
    update = WeightedUpdate(method, Setting(splits.schema.tasks, train=splits.train, losses=model.losses), model)
    return timed(update.step)


def their_step(splits: Splits, network: Resolved, found: Peer) -> Step:
    public, train = in_public_style(initial(splits, network)), splits.train
    step = public_step(public, found.of(public, train.inputs[:PROBE_ROWS]))
    return timed(lambda rows: step(train.inputs[rows], train.labels[rows]))


def initial(splits: Splits, network: Resolved) -> Backbone:
    with seeded(0, "initial parameters"):
        backbone: Backbone = CATALOGUE.create("backbone", network.spec, splits.schema)
    return backbone


def timed(step: Callable[[Tensor], object]) -> Step:
    def seconds(number: int) -> float:
        rows = torch.arange(BATCH) + BATCH * (number % BATCHES)
        start = time.process_time()
        step(rows)
        return time.process_time() - start

    return seconds
