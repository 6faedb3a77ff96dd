"""Two things timed in turns: the machine's load changes while a benchmark runs, and then hits both."""

import statistics
import time
from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture


def side_by_side(
    benchmark: BenchmarkFixture, ours: Callable[[], object], reference: Callable[[], object], rounds: int
) -> float:
    """Time ``ours`` by ``benchmark``, and ``reference`` before each round; the median of reference over ours."""
    before: list[float] = []
    after: list[float] = []

    def timed(run: Callable[[], object], times: list[float]) -> None:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)

    benchmark.pedantic(lambda: timed(ours, after), setup=lambda: timed(reference, before), rounds=rounds)
    ratio = statistics.median(theirs / own for own, theirs in zip(after, before, strict=True))
    benchmark.extra_info.update(
        reference_over_ours=ratio, ours_seconds=statistics.median(after), reference_seconds=statistics.median(before)
    )
    return ratio
