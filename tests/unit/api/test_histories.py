"""A row's history: the last items of its user's earlier events, and never one of its own time or later."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import small_log

from mtlbench import api
from mtlbench.api import histories
from mtlbench.data.building import build
from mtlbench.data.encoding import flat


def lists(column: "pd.Series[Any]") -> list[list[Any]]:
    ids, lengths = flat(column)
    ends = np.cumsum(lengths)
    return [ids.iloc[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True)]


def plain(frame: pd.DataFrame, where: str | None, last: int) -> list[list[Any]]:
    """The definition, as a loop. Events of one time have no order of their own: that of the rows is taken."""
    found = []
    for row in frame.itertuples():
        earlier = [
            (other.time, other.Index, other.item)
            for other in frame.itertuples()
            if other.user == row.user
            and other.time < row.time
            and other.item is not None
            and (where is None or getattr(other, where) == 1)
        ]
        found.append([item for *_, item in sorted(earlier, reverse=True)][:last])
    return found


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["u", "v", None]), st.sampled_from(["a", "b", "c", None]), st.integers(0, 5), st.booleans()
        ),
        min_size=1,
        max_size=25,
    ),
    last=st.integers(1, 4),
    where=st.sampled_from([None, "click"]),
    chunk=st.sampled_from([1, 3, 1 << 18]),
)
def test_it_is_what_a_loop_over_all_earlier_events_gives(
    rows: list[tuple[Any, ...]], last: int, where: str | None, chunk: int
) -> None:
    frame = pd.DataFrame(rows, columns=["user", "item", "time", "click"])
    frame["user"], frame["item"] = (
        frame[name].astype(object).where(frame[name].notna(), None) for name in ("user", "item")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "CHUNK_ROWS", chunk)
        found = api.history(frame, "user", "item", "time", where, last)
    expected = plain(frame, where, last)
    expected = [[] if frame["user"].iloc[row] is None else items for row, items in enumerate(expected)]
    assert lists(found) == expected


def test_index_and_kinds_of_columns() -> None:
    frame = pd.DataFrame(
        {"u": [1, 1, 1], "i": [10, 20, 30], "t": pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02"])}
    )
    frame.index = ["x", "y", "z"]
    found = api.history(frame, "u", "i", "t")
    assert found.index.tolist() == ["x", "y", "z"]
    assert lists(found) == [[30, 20], [], [20]]


def test_a_row_of_the_test_split_knows_the_training_events_and_none_that_is_later() -> None:
    log = small_log(rows=100)
    log.frame["past"] = api.history(log.frame, log.user, "item", log.timestamp, last=5)
    log.bags = [api.BagColumn("past", length=5, of="item", pooling="attention")]
    splits = build(log, "my-log", "key")
    assert splits.test.bags[0].lengths.max() == 5
    later = log.frame[log.timestamp] > log.frame[log.timestamp].sort_values().iloc[80]
    changed = log.frame.copy()
    changed.loc[later, "item"] = "other"
    again = api.history(changed, log.user, "item", log.timestamp, last=5)
    kept = ~later.to_numpy()
    assert [one for one, keep in zip(lists(again), kept, strict=True) if keep] == [
        one for one, keep in zip(lists(log.frame["past"]), kept, strict=True) if keep
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "nobody"}, "no column 'nobody'"),
        ({"where": "item"}, r"'item' holds 'a' in row 0; give 0 or 1"),
        ({"last": 0}, "last = 0; give a whole number of 1 or more"),
        ({"last": 1.5}, "last = 1.5; give a whole number"),
        ({"item": "mixed"}, "the items in 'mixed' cannot be read: .*give items of one type"),
        ({"time": "when"}, "row 1 has no time in 'when'"),
    ],
)
def test_what_makes_no_history_is_refused(changes: dict[str, Any], words: str) -> None:
    frame = pd.DataFrame({"user": [1, 1], "item": ["a", "b"], "time": [1, 2], "when": [1.0, np.nan], "mixed": [1, "a"]})
    with pytest.raises(api.DataError, match=words):
        api.history(frame, **{"user": "user", "item": "item", "time": "time", **changes})
