"""SPEC section 6, MDP: the session index is one transition per row, and nothing crosses a session or a split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtlbench import api
from mtlbench.data import load
from mtlbench.data.building import build
from mtlbench_plugins.datasets.kuairand import KuaiRand
from mtlbench_plugins.datasets.retailrocket import RetailRocket
from mtlbench_plugins.datasets.synthetic import Synthetic

Rows = Sequence[tuple[int, int]]


def log_of(rows: Rows) -> api.Log:
    """A log of (session, time) rows, with labels that give every split both classes."""
    frame = pd.DataFrame(rows, columns=["session", "time"])
    rank = np.empty(len(frame), dtype=int)
    rank[np.argsort(frame["time"].to_numpy(), kind="stable")] = np.arange(len(frame))
    frame["label"] = rank % 2
    frame["row"] = np.arange(len(frame)) / len(frame)
    inputs = {"categorical": ["session"], "optimum": ["row"]}
    return api.Log(frame, ["label"], **inputs, timestamp="time", session="session")


def assert_is_session_mdp(split: api.Split) -> None:
    rows = np.arange(len(split))
    session, following, done, time, position = (
        tensor.numpy() for tensor in (split.session, split.next_row, split.done, split.timestamp, split.position)
    )
    assert len(following) == len(done) == len(split)
    assert done.sum() == len(np.unique(session)) == session.max() + 1
    assert (session[following] == session).all()
    assert (following[done] == rows[done]).all()
    inside = ~done
    assert (following[inside] > rows[inside]).all()
    assert (position[following][inside] == position[inside] + 1).all()
    assert (np.diff(time) >= 0).all()
    assert (time[following] >= time).all()
    last = pd.Series(rows).groupby(session).max().to_numpy()
    assert (np.flatnonzero(done) == np.sort(last)).all()
    first = pd.Series(rows).groupby(session).min().to_numpy()
    assert (np.flatnonzero(position == 0) == np.sort(first)).all()
    # One walk along next_row from each first row reaches every row once: no two rows share a successor.
    assert len(np.unique(following[inside])) == inside.sum()


def assert_is_ordered(splits: api.Splits) -> None:
    assert splits.train.timestamp.max() <= splits.validation.timestamp.min()
    assert splits.validation.timestamp.max() <= splits.test.timestamp.min()


def in_one_session(ids: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether the two columns part the rows in the same way."""
    pairs = len(pd.DataFrame({"ids": ids, "other": other}).drop_duplicates())
    return pairs == len(np.unique(ids)) == len(np.unique(other))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), min_size=30, max_size=80))
def test_the_index_of_any_log_is_a_session_mdp(rows: Rows) -> None:
    log = log_of(rows)
    try:
        splits = build(log, "random", "")
    except api.DataError:
        reject()  # which rows of one time go to which split is a hash's choice, here one of a single class
    assert_is_ordered(splits)
    start = 0
    for split in splits.parts().values():
        assert_is_session_mdp(split)
        places = np.rint(split.optimum[:, 0].numpy() * len(rows)).astype(int)
        raw = log.frame["session"].to_numpy()[places]
        assert (np.diff(places)[np.diff(split.timestamp.numpy()) == 0] > 0).all()
        assert in_one_session(split.session.numpy(), raw)
        # The next state is that of the next row of the same session, found by looking.
        for row in range(len(split)):
            later = np.flatnonzero(raw[row + 1 :] == raw[row])
            assert split.next_row[row] == (row + 1 + later[0] if len(later) else row)
            assert bool(split.done[row]) == (len(later) == 0)
        start += len(split)


def test_a_session_cut_by_a_boundary_is_two_sessions() -> None:
    splits = build(log_of([(5, time) for time in range(10)]), "cut", "")
    for split in splits.parts().values():
        assert split.session.tolist() == [0] * len(split)
        assert split.position.tolist() == list(range(len(split)))
        assert split.done.tolist() == [False] * (len(split) - 1) + [True]


def test_the_generated_log_is_a_session_mdp(cache_dir: Path) -> None:
    splits = load(Synthetic(Synthetic.Params(rows=5000)), cache_dir, cache_dir)
    assert_is_ordered(splits)
    for split in splits.parts().values():
        assert_is_session_mdp(split)


@pytest.mark.parametrize("rule", ["user-day", "user-gap30m", "user"])
@pytest.mark.parametrize("plugin", [KuaiRand, RetailRocket])
def test_real_logs_are_session_mdps(plugin: type[api.Dataset], rule: str, data_dir: Path, cache_dir: Path) -> None:
    dataset = plugin(plugin.Params(session=rule))
    splits = load(dataset, data_dir, cache_dir)
    assert splits.schema.sessions
    assert_is_ordered(splits)
    for split in splits.parts().values():
        assert_is_session_mdp(split)
    assert splits.facts["rows"] == sum(len(split) for split in splits.parts().values())
