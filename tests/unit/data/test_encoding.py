import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.data.encoding import encode_ids, standardise

VALUES = st.one_of(st.none(), st.integers(0, 5).map(str))


def test_an_id_that_only_later_splits_hold_is_unknown() -> None:
    index, cardinality = encode_ids(pd.Series(["x", "y", "x", "new", "y"]), train=3, min_count=1)
    assert index.tolist() == [1, 2, 1, 0, 2]
    assert cardinality == 3


def test_ids_rarer_than_min_count_in_training_are_unknown_however_common_later() -> None:
    index, cardinality = encode_ids(pd.Series(["x", "y", "x", "y", "y", "y"]), train=3, min_count=2)
    assert index.tolist() == [1, 0, 1, 0, 0, 0]
    assert cardinality == 2


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["x", None, "x", None]),
        pd.Series([1.5, np.nan, 1.5, np.nan]),
        pd.Series(["x", None, "x", None], dtype="category"),
        pd.Series([7, pd.NA, 7, pd.NA], dtype="Int64"),
        pd.Series([7, None, 7, np.nan], dtype=object),
    ],
    ids=lambda column: str(column.dtype),
)
def test_missing_is_a_value_of_its_own(column: "pd.Series[object]") -> None:
    assert encode_ids(column, train=2, min_count=1)[0].tolist() == [1, 2, 1, 2]


def test_missing_only_after_training_is_unknown() -> None:
    assert encode_ids(pd.Series(["x", "x", None]), train=2, min_count=1)[0].tolist() == [1, 1, 0]


@given(st.lists(VALUES, min_size=1, max_size=30), st.lists(VALUES, max_size=30), st.lists(VALUES, max_size=30))
def test_the_vocabulary_depends_on_training_rows_alone(
    train: list[str | None], later: list[str | None], other: list[str | None]
) -> None:
    size = len(train)
    one, cardinality = encode_ids(pd.Series(train + later, dtype=object), size, 1)
    two, same = encode_ids(pd.Series(train + other, dtype=object), size, 1)
    assert one[:size].tolist() == two[:size].tolist()
    assert cardinality == same == len(set(train)) + 1
    assert one[:size].min() > 0
    assert one.max() < cardinality
    assert [index == 0 for index in one[size:]] == [value not in train for value in later]


def test_numbers_have_mean_0_and_variance_1_on_training_rows_only() -> None:
    values = np.random.default_rng(0).normal(5, 3, 1000)
    values[600:] += 100
    scores = standardise(values, train=600)
    assert scores[:600].mean() == pytest.approx(0, abs=1e-6)
    assert scores[:600].std() == pytest.approx(1, abs=1e-6)
    assert scores[600:].mean() == pytest.approx(
        (values[600:].mean() - values[:600].mean()) / values[:600].std(), rel=1e-5
    )


def test_a_missing_number_becomes_the_training_mean() -> None:
    assert standardise(np.array([1.0, np.nan, 3.0, np.nan]), train=3).tolist() == [-1, 0, 1, 0]


@pytest.mark.parametrize("train", [[0.1, 0.1, 0.1], [np.nan, np.nan, np.nan], [0.1, np.nan, 0.1]])
def test_a_column_without_variation_in_training_is_zero_everywhere(train: list[float]) -> None:
    assert standardise(np.array([*train, 5.0, np.nan]), train=3).tolist() == [0] * 5


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_scores_do_not_depend_on_the_unit(scale: float) -> None:
    values = np.array([1.0, 2.0, 4.0, 3.0])
    np.testing.assert_allclose(standardise(values * scale, 3), standardise(values, 3), rtol=1e-6)
