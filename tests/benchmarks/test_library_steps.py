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
BATCH, BATCHES, WARM_UP, ROUNDS = 2048, 8, 1, 5
CATALOGUE = discover(())

Step = Callable[[int], float]
"""From the number of a batch to the processor's seconds."""


@pytest.mark.benchmark(group="a step of a method of task gradients, beside other libraries")
@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize("preset", ["compact", "paper"])
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
@pytest.mark.parametrize("name", METHODS)
def test_steps_beside_other_libraries(
    benchmark: BenchmarkFixture, name: str, backbone: str, preset: str, tasks: int
) -> None:
    prepare_process(torch.device("cpu"))
    torch.set_num_threads(1)
    splits = workload(BATCH * BATCHES, tasks=tasks)
    network = resolve(CATALOGUE, "backbone", backbone, {}, preset)
    (weighting,) = resolve_texts(CATALOGUE, "weighting", [name], preset)
    ours, theirs = our_step(splits, network, weighting), dict[str, Step]()
    for package in libraries(method := weighting.create()):
        if (found := peer(package, method, tasks)) is not None:
            step = their_step(splits, network, found)
            try:
                step(0)
                theirs[found.label] = step
            except RuntimeError as error:  # such as a function that torch no longer has
                print(f"\n{name}: {found.label} is left out: {error}")
    if not theirs:
        pytest.skip("neither torchjd nor LibMTL has it and can be imported: pip install 'mtlbench[oracle]'")
    for number in range(BATCHES):
        ours(number)  # rows of its tables then have missed steps, as in a training
    seconds = list[tuple[float, dict[str, float]]]()

    def step_of_each() -> None:
        number = len(seconds)
        seconds.append((ours(number), {library: step(number) for library, step in theirs.items()}))

    benchmark.pedantic(step_of_each, warmup_rounds=WARM_UP, rounds=ROUNDS)
    for library in theirs:
        ratio = statistics.median(others[library] / own for own, others in seconds[WARM_UP:])
        benchmark.extra_info[library] = ratio
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
