import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.data.splitting import boundaries, order_of


@given(st.integers(0, 10_000_000))
def test_splits_partition_the_rows_6_2_2(rows: int) -> None:
    train, validation, test = boundaries(rows).values()
    assert (train.start, train.stop, validation.stop, test.stop) == (0, validation.start, test.start, rows)
    assert abs(train.stop - 0.6 * rows) < 1
    assert abs(validation.stop - 0.8 * rows) < 1


@given(st.lists(st.integers(0, 20), min_size=1))
def test_order_is_by_time_and_ties_keep_the_order_of_the_file(times: list[int]) -> None:
    order = order_of(pd.Series(times), len(times))
    assert [(times[row], row) for row in order] == sorted((time, row) for row, time in enumerate(times))


def test_without_a_timestamp_the_order_is_random_and_always_the_same() -> None:
    order = order_of(None, 1000)
    assert sorted(order) == list(range(1000))
    assert (order == order_of(None, 1000)).all()
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1))
def test_held_out_rows_come_last_and_each_part_keeps_its_order(rows: list[tuple[int, bool]]) -> None:
    times, held_out = pd.Series([time for time, _ in rows]), np.array([late for _, late in rows])
    order = order_of(times, len(rows), held_out)
    expected = sorted((late, time, row) for row, (time, late) in enumerate(rows))
    assert [(held_out[row], times[row], row) for row in order] == expected


@given(st.integers(0, 10_000_000), st.integers(0, 10_000_000))
def test_a_published_test_part_is_the_test_split_and_validation_a_quarter_of_the_rest(rest: int, held_out: int) -> None:
    train, validation, test = boundaries(rest + held_out, held_out).values()
    assert (train.start, train.stop, validation.stop) == (0, validation.start, test.start)
    assert (test.start, test.stop) == (rest, rest + held_out)
    assert abs(train.stop - 0.75 * rest) < 1
