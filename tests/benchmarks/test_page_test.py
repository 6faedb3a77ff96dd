"""What the test of a whole page costs, on one core.

Run with ``pytest tests/benchmarks/test_page_test.py -m '' --benchmark-only``.
"""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mtlbench.statistics import max_t


@pytest.mark.benchmark(group="100 comparisons")
@pytest.mark.parametrize("seeds", [10, 13, 20])
def test_step_down_max_t(benchmark: BenchmarkFixture, seeds: int) -> None:
    differences = np.random.default_rng(0).normal(size=(100, seeds))
    benchmark(max_t, differences)
