import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench import api

MINUTE, DAY = 60_000, 86_400_000
EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 200 * MINUTE)), min_size=1, max_size=40)


def ids(events: list[tuple[int, int]], rule: str, offset: int = 0) -> list[int]:
    users, times = zip(*events, strict=True)
    return api.session_ids(pd.Series(users), pd.Series(times), rule, offset).tolist()


@given(EVENTS)
def test_a_gap_session_is_what_walking_along_the_log_says(events: list[tuple[int, int]]) -> None:
    expected: dict[int, int] = {}
    session, previous = -1, (-1, 0)
    for row in sorted(range(len(events)), key=lambda row: events[row]):
        user, time = events[row]
        session += user != previous[0] or time - previous[1] > 30 * MINUTE
        expected[row], previous = session, (user, time)
    assert ids(events, "user-gap30m") == [expected[row] for row in range(len(events))]


@given(EVENTS)
def test_the_rule_user_is_one_session_per_user(events: list[tuple[int, int]]) -> None:
    assert len(set(zip(ids(events, "user"), (user for user, _ in events), strict=True))) == len(
        {user for user, _ in events}
    )


def test_a_pause_of_exactly_the_gap_does_not_end_a_session() -> None:
    assert ids([(1, 0), (1, 30 * MINUTE), (1, 60 * MINUTE + 1)], "user-gap30m") == [0, 0, 1]


def test_the_day_turns_at_local_midnight() -> None:
    events = [(1, 15 * 60 * MINUTE), (1, 17 * 60 * MINUTE), (1, 25 * 60 * MINUTE)]
    assert ids(events, "user-day") == [0, 0, 1]
    assert ids(events, "user-day", offset=8 * 60 * MINUTE) == [0, 1, 1]


@pytest.mark.parametrize("rule", ["", "day", "user-gap", "user-gap0m", "user-gap30", "user-gap30m ", "user-gap-1m"])
def test_an_unknown_rule_is_refused(rule: str) -> None:
    with pytest.raises(api.UsageError, match="user-gap30m"):
        ids([(1, 0)], rule)
