"""Total training rows per second of a grid: cells in one and in two worker processes, and one cell on two threads.

Run with ``pytest tests/benchmarks/test_grid.py -m '' --benchmark-only -s`` on a machine with two cores or more. A cell
is a process with one thread, as under ``mtlbench run --jobs``; two of them work at the same time.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side

from mtlbench.benchmarking.interleaved import InterleavedWorker
from mtlbench.benchmarking.timed_work import UNBOUNDED, WorkerSettings, our_training, public_training
from mtlbench.cells import PluginSpec, Training
from mtlbench.config.specs import resolve
from mtlbench.discovery import discover

CATALOGUE = discover(())
TRAINING = Training(epochs=UNBOUNDED, patience=UNBOUNDED)
WARM_UP = 20
TURN = 4
ROUNDS = 10


def setting(name: str, threads: int) -> WorkerSettings:
    return WorkerSettings(resolve(CATALOGUE, "backbone", name, {}, "paper").spec, TRAINING, threads)


@pytest.mark.benchmark(group="grid")
@pytest.mark.parametrize("reference", ["one process", "two threads", "public style on two threads"])
@pytest.mark.parametrize("name", ["shared-bottom", "mmoe"])
def test_two_processes(benchmark: BenchmarkFixture, name: str, reference: str) -> None:
    """Two processes against one, against one on two threads, and against the public style on two threads."""
    constant = PluginSpec("constant", {})
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        pair = [stack.enter_context(InterleavedWorker(our_training, setting(name, 1), constant)) for _ in range(2)]
        threads = 1 if reference == "one process" else 2
        other = stack.enter_context(
            InterleavedWorker(public_training, setting(name, threads))
            if reference.startswith("public")
            else InterleavedWorker(our_training, setting(name, threads), constant)
        )
        list(pool.map(lambda each: each.take_turn(WARM_UP), pair))
        other.take_turn(TURN if reference.startswith("public") else WARM_UP)
        ratio = 2 * side_by_side(
            benchmark,
            lambda: list(pool.map(lambda each: each.take_turn(TURN), pair)),
            lambda: other.take_turn(TURN),
            ROUNDS,
        )
    rows = TURN * TRAINING.batch_size
    both, alone = 2 * rows / benchmark.extra_info["ours_seconds"], rows / benchmark.extra_info["reference_seconds"]
    print(f"\n{name}, two processes: {both:,.0f} rows/s; {reference}: {alone:,.0f}; ratio {ratio:.2f}")
