"""Cost of a training step under each weighting, also at the shared representation, against one under constant weights.

Run with ``OMP_NUM_THREADS=1 pytest tests/benchmarks/test_weighting_steps.py -m '' --benchmark-only -s``. Preset
``compact``, batches of 512 with 36 fields, two and six tasks. All methods train networks of their own in one process
and take turns step by step; times are those of the processor, so that other programs disturb them little. Methods that
train critics, look at a second batch or train several times are left out: their steps are not the whole of their cost.
"""

import statistics
import time

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from mtlbench.api import Setting, Splits, Weighting
from mtlbench.benchmarking.workload import workload
from mtlbench.cells import Training
from mtlbench.config.specs import Resolved, resolve, resolve_texts
from mtlbench.discovery import discover
from mtlbench.experiments.applicability import Applicability
from mtlbench.experiments.process import prepare_process
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded
from mtlbench.training.update import WeightedUpdate

BATCH, BATCHES, WARM_UP, ROUNDS = 512, 8, 3, 11
CARDINALITIES = tuple(int(60_000 / number**1.5) + 3 for number in range(1, 37))
AT_THE_REPRESENTATION = ("pcgrad[at=representation]", "mgda[at=representation]")
CATALOGUE = discover(())
STEPS_ALONE = [
    name
    for name, entry in CATALOGUE.weightings.items()
    if entry.cls.fit is Weighting.fit and not entry.cls.needs & {"critics", "look-ahead"}
]


@pytest.mark.benchmark(group="a training step under each weighting")
@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
def test_steps_beside_constant_weights(benchmark: BenchmarkFixture, backbone: str, tasks: int) -> None:
    prepare_process(torch.device("cpu"))
    torch.set_num_threads(1)
    splits = workload(BATCH * BATCHES, CARDINALITIES, tasks=tasks)
    network = resolve(CATALOGUE, "backbone", backbone, {}, "compact")
    names = ["constant", *sorted({*STEPS_ALONE} - {"constant"}), *AT_THE_REPRESENTATION]
    updates: dict[str, WeightedUpdate] = {}
    for name, weighting in zip(names, resolve_texts(CATALOGUE, "weighting", names, "compact"), strict=True):
        if Applicability().reason(splits.schema, network, weighting.create()) is None:
            updates[name] = _update(splits, network, weighting)
    seconds: list[list[float]] = []

    def step_of_each() -> None:
        number = len(seconds)
        seconds.append([seconds_of(update, number) for update in updates.values()])

    benchmark.pedantic(step_of_each, warmup_rounds=WARM_UP, rounds=ROUNDS)
    for place, name in enumerate(updates):
        ratio = statistics.median(times[place] / times[0] for times in seconds[WARM_UP:])
        benchmark.extra_info[name] = ratio
        print(f"\n{backbone}, {tasks} tasks, {name}: {ratio:.2f} times a constant step", end="")


def _update(splits: Splits, network: Resolved, weighting: Resolved) -> WeightedUpdate:
    with seeded(0, "initial parameters"):
        backbone = CATALOGUE.create("backbone", network.spec, splits.schema)
    method = weighting.create()
    model = Model(backbone, splits, Training(batch_size=BATCH), dense="parameters" in method.needs)
    return WeightedUpdate(method, Setting(splits.schema.tasks, train=splits.train, losses=model.losses), model)


def seconds_of(update: WeightedUpdate, number: int) -> float:
    torch.manual_seed(number)
    start = time.process_time()
    update.step(torch.arange(BATCH) + BATCH * (number % BATCHES))
    return time.process_time() - start
