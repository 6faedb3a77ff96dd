"""Cost of a training step under weightings of task gradients against one under constant weights.

Run with ``pytest tests/benchmarks/test_gradient_method_steps.py -m '' --benchmark-only -s``. Sizes are the paper's:
shared-bottom, batches of 2048 with 7 fields of 83,000 ids and one number, embedding 128, bottom 512-256, towers 128-64,
two and six tasks; each method trains in a process of its own, and takes turns with constant weights. A step of K tasks
goes K times backward through what they share. In multiplications that is at least 1.52 constant steps for two tasks and
2.78 for six: the forward pass and the towers are paid once.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side

from mtlbench.benchmarking.interleaved import InterleavedWorker
from mtlbench.benchmarking.timed_work import UNBOUNDED, WorkerSettings, our_training
from mtlbench.cells import Training
from mtlbench.config.specs import resolve
from mtlbench.discovery import discover
from mtlbench.experiments.process import THREADS

WARM_UP = 20
TURN = 3
ROUNDS = 15
METHODS = ("pcgrad", "mgda", "cagrad", "upgrad", "nash-mtl")
CATALOGUE = discover(())


@pytest.mark.benchmark(group="a training step at the paper's sizes")
@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize("name", METHODS)
def test_training_step(benchmark: BenchmarkFixture, name: str, tasks: int) -> None:
    spec = resolve(CATALOGUE, "backbone", "shared-bottom", {}, "paper").spec
    setting = WorkerSettings(spec, Training(epochs=UNBOUNDED, patience=UNBOUNDED), THREADS, tasks=tasks)
    specs = [resolve(CATALOGUE, "weighting", each, {}, "paper").spec for each in (name, "constant")]
    with (
        InterleavedWorker(our_training, setting, specs[0]) as method,
        InterleavedWorker(our_training, setting, specs[1]) as constant,
    ):
        method.take_turn(WARM_UP)
        constant.take_turn(WARM_UP)
        ratio = 1 / side_by_side(benchmark, lambda: method.take_turn(TURN), lambda: constant.take_turn(TURN), ROUNDS)
    benchmark.extra_info.update(name=name, tasks=tasks, ratio_to_constant=ratio)
    print(f"\n{name}, {tasks} tasks: {ratio:.3f} times a constant step")
