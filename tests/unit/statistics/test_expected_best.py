"""The expected best of fewer trials."""

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.statistics.expected_best import expected_best


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7))
def test_it_is_the_mean_over_all_subsets(scores: list[float]) -> None:
    found = expected_best(scores)
    for n, value in enumerate(found, start=1):
        assert value == pytest.approx(fmean(map(max, combinations(scores, n))), abs=1e-9)


def test_it_begins_at_the_mean_never_falls_and_ends_at_the_best() -> None:
    found = expected_best([0.7, 0.5, 0.9, 0.6])
    assert found[0] == pytest.approx(0.675)
    assert found == sorted(found)
    assert found[-1] == 0.9
