"""Numbers in bins: edges are quantiles of the training rows alone, and missing values have a bin of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import small_log

from mtlbench.api import DataError
from mtlbench.data.building import build
from mtlbench.data.encoding import encode_bins

numbers = st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(np.nan)), min_size=1, max_size=40)


@given(numbers, st.integers(1, 40), st.integers(2, 8))
def test_bins_are_in_order_none_is_empty_in_training_and_missing_is_one_of_its_own(
    values: list[float], train: int, bins: int
) -> None:
    found, cardinality = encode_bins(np.array(values), train, bins)
    assert {*found[:train].tolist()} == {*range(1, cardinality)}
    given = [(value, index) for value, index in zip(values, found, strict=True) if value == value]
    assert [index for _, index in sorted(given)] == sorted(index for _, index in given)
    if any(value == value for value in values[:train]):
        of_missing = {index for value, index in zip(values, found, strict=True) if value != value}
        assert not of_missing & {index for _, index in given}


@pytest.mark.parametrize("bins", [2, 7, 20])
def test_bins_hold_equally_many_numbers_where_none_is_repeated(bins: int) -> None:
    values = np.random.default_rng(0).permutation(1000).astype(float)
    found, cardinality = encode_bins(values, 1000, bins)
    assert cardinality == bins + 1
    counts = np.bincount(found)[1:]
    assert counts.max() - counts.min() <= 1


@given(numbers, st.lists(st.floats(-1e9, 1e9), max_size=20), st.integers(2, 8))
def test_later_rows_move_no_edge(values: list[float], later: list[float], bins: int) -> None:
    alone, cardinality = encode_bins(np.array(values), len(values), bins)
    both, same = encode_bins(np.array(values + later), len(values), bins)
    assert same == cardinality
    assert both[: len(values)].tolist() == alone.tolist()


def test_a_frequent_number_and_gaps() -> None:
    found, cardinality = encode_bins(np.array([0.0, 0, 0, 0, 0, 3, 5, np.nan, 9, -1, 4]), 8, 4)
    assert found.tolist() == [1, 1, 1, 1, 1, 2, 2, 3, 2, 1, 2]
    assert cardinality == 4
    assert encode_bins(np.array([1.0, 2, np.nan]), 2, 2)[0].tolist() == [1, 2, 0]
    assert encode_bins(np.array([np.nan, 2]), 1, 2) == (pytest.approx([1, 0]), 2)


def test_a_binned_column_is_a_categorical_field_and_part_of_the_identity() -> None:
    log = small_log(rows=100, numerical=["row"], binned={"price": 5})
    log.frame.loc[log.frame["row"] == 3, "price"] = None
    splits = build(log, "my-log", "key")
    assert [(field.name, field.cardinality) for field in splits.schema.categorical][2] == ("price", 7)
    assert splits.train.categorical.shape == (60, 3)
    assert np.bincount(splits.train.categorical[:, 2]).tolist() == [0, 11, 12, 12, 12, 12, 1]
    choices: list[dict[str, int]] = [{}, {"price": 5}, {"price": 6}]
    prints = {build(small_log(binned=binned, numerical=[]), "my-log", "key").fingerprint for binned in choices}
    assert len(prints) == 3
    assert "key" in prints


def test_nothing_of_later_splits_moves_a_bin() -> None:
    log = small_log(rows=100, numerical=[], binned={"price": 5})
    before = build(log, "my-log", "key").train
    log.frame.loc[log.frame["row"] >= 60, "price"] = 1e6
    after = build(log, "my-log", "key")
    assert after.train.categorical.equal(before.categorical)
    assert set(after.test.categorical[:, 2].tolist()) == {5}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"binned": {"price": 1}, "numerical": []}, "'price' is to be cut into 1 bins: give 2 to 10000"),
        ({"binned": {"price": 5.0}, "numerical": []}, "'price' is to be cut into 5.0 bins: give 2 to 10000"),
        ({"binned": {"price": 5}}, "'price' is named twice"),
        ({"binned": {"item": 5}, "categorical": ["user"]}, "'item' is not numeric: it holds"),
        ({"binned": {"click": 5}}, "is an input and a label"),
    ],
)
def test_bins_that_make_no_sense_are_refused(changes: dict[str, object], error: str) -> None:
    with pytest.raises(DataError, match=error):
        build(small_log(**changes), "my-log", "key")


def test_an_infinite_number_is_refused_with_its_row() -> None:
    log = small_log(numerical=[], binned={"price": 5}, place="line {}".format)
    log.frame.iloc[7, log.frame.columns.get_loc("price")] = np.inf
    with pytest.raises(DataError, match=r"'price' holds inf in line 7 .*make it missing"):
        build(log, "my-log", "key")
