"""Columns of several ids: encoded as single ids are, kept and read back, refused where they are none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import small_log

from mtlbench.api import BagColumn, DataError, Log
from mtlbench.data import store
from mtlbench.data.building import build
from mtlbench.data.encoding import encode_bags, encode_ids

MISSING = [None, np.nan, pd.NA]


def column(bags: list[Any]) -> "pd.Series[Any]":
    series = pd.Series([None] * len(bags), dtype=object)
    for row, bag in enumerate(bags):
        series.iat[row] = bag
    return series


@given(
    bags=st.lists(st.lists(st.integers(0, 6), max_size=5), min_size=1, max_size=12),
    length=st.integers(1, 4),
    train=st.integers(0, 12),
    min_count=st.integers(1, 2),
)
def test_indices_are_those_of_a_loop_over_the_ids_of_the_training_bags(
    bags: list[list[int]], length: int, train: int, min_count: int
) -> None:
    ids, lengths, cardinality = encode_bags(column(bags), length, train, min_count)
    seen = [one for bag in bags[:train] for one in bag]
    known = [one for one in dict.fromkeys(seen) if seen.count(one) >= min_count]
    assert cardinality == len(known) + 1
    for row, bag in enumerate(bags):
        expected = [1 + known.index(one) if one in known else 0 for one in bag[:length]]
        assert lengths[row] == len(expected)
        assert ids[row].tolist() == expected + [0] * (length - len(expected))


def test_bags_of_a_field_have_its_indices_and_its_ids_alone() -> None:
    items = pd.Series(["a", "b", "c", "d"])
    of_field, cardinality = encode_ids(items, 3, 1)
    ids, lengths, same = encode_bags(column([["c", "zzz"], [], ["a"], ["d", "b"]]), 3, 3, 1, items)
    assert same == cardinality == 4
    assert ids.tolist() == [[of_field[2], 0, 0], [0, 0, 0], [of_field[0], 0, 0], [0, of_field[1], 0]]
    assert lengths.tolist() == [2, 0, 1, 2]


def with_bags(bags: list[Any], **changes: Any) -> Log:
    log = small_log(rows=len(bags))
    log.frame["tags"] = column(bags)
    log.bags = [BagColumn("tags", **changes)]
    return log


def test_bags_reach_the_splits_in_the_order_of_time_and_are_read_back(tmp_path: Any) -> None:
    random = np.random.default_rng(0)
    bags = [random.integers(9, size=size).tolist() for size in random.integers(4, size=100)]
    bags[3] = np.array([1, 2])
    bags[4:7] = MISSING
    splits = build(with_bags(bags, length=2, pooling="sum"), "my-log", "key")
    (field,) = splits.schema.bags
    assert (field.name, field.length, field.pooling, field.of) == ("tags", 2, "sum", None)
    log = with_bags(bags)
    rows = log.frame.sort_values(log.timestamp, kind="stable")["tags"]
    expected = [min(2, 0 if one is None or one is np.nan or one is pd.NA else len(one)) for one in rows]
    found = [length for split in splits.parts().values() for length in split.bags[0].lengths.tolist()]
    assert found == expected
    with store.scratch(tmp_path) as folder:
        stored = store.write(tmp_path / "entry", splits, "key", folder)
    again = store.read(tmp_path / "entry", "key")
    for other in (stored, again):
        assert other is not None
        assert other.schema == splits.schema
        for one, two in zip(other.parts().values(), splits.parts().values(), strict=True):
            assert all(a.equal(b) for a, b in zip(one.inputs.tensors(), two.inputs.tensors(), strict=True))


@pytest.mark.parametrize(
    ("bags", "changes", "words"),
    [
        ([["a"]] * 50 + ["sport|news"] + [["a"]] * 49, {}, ["'tags'", "'sport|news'", "list of ids"]),
        ([["a"]] * 50 + [["a", 3]] + [["a"]] * 49, {}, ["'tags'", "cannot be read", "ids of one type"]),
        ([[["a"]]] * 100, {}, ["'tags'", "list<item: list<item: string>>", "no list of single values"]),
        ([{"a": 1}] * 100, {}, ["'tags'", "struct<a: int64>", "no list of single values"]),
        ([[1]] * 100, {"length": 0}, ["up to 0 ids", "a length from 1"]),
        ([[1]] * 100, {"of": "nothing"}, ["'nothing'", "no categorical input"]),
        ([[1]] * 100, {"pooling": "max"}, ["unknown pooling", "mean"]),
        ([[1]] * 100, {"pooling": "attention"}, ["attention", "`of`"]),
        ([[1.5]] * 100, {"of": "item"}, ["no id of the bags 'tags' is one of 'item'"]),
    ],
    ids=["text", "mixed types", "lists of lists", "dictionaries", "length", "of", "pooling", "attention", "other ids"],
)
def test_what_is_no_bag_is_refused(bags: list[Any], changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DataError) as refused:
        build(with_bags(bags, **changes), "my-log", "key")
    assert all(word in str(refused.value) for word in words), refused.value
