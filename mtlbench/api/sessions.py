"""Session rules: they make sessions of users and timestamps, for logs without session ids of their own."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.errors import UsageError

DAY_MS = 86_400_000
MINUTE_MS = 60_000

SESSION_RULE = r"user|user-day|user-gap[1-9][0-9]*m"
"""Pattern of a session rule, for a parameter's ``pattern``."""


def session_ids(
    user: "pd.Series[int]", timestamp: "pd.Series[int]", rule: str, day_offset_ms: int = 0
) -> NDArray[np.int64]:
    """Session of each row, dense from 0, numbered by user and then by time.

    Args:
        user: user id of each row, any hashable type.
        timestamp: milliseconds since the epoch, in any order.
        rule: ``user`` (all rows of a user are one session), ``user-day`` (one per user and calendar day) or
            ``user-gapNm`` (a pause of more than N minutes starts a new one), such as ``user-gap30m``.
        day_offset_ms: local time minus UTC, for ``user-day``.

    Raises:
        UsageError: the rule is none of these.
    """
    if re.fullmatch(SESSION_RULE, rule) is None:
        raise UsageError(f"unknown session rule {rule!r}: expected user, user-day or user-gapNm such as user-gap30m")
    users = pd.factorize(user, sort=True)[0].astype(np.int64)
    time = timestamp.to_numpy(dtype=np.int64)
    order = np.lexsort((time, users))
    users, time = users[order], time[order]
    starts = np.ones(len(users), dtype=bool)
    starts[1:] = users[1:] != users[:-1]
    if rule == "user-day":
        day = (time + day_offset_ms) // DAY_MS
        starts[1:] |= day[1:] != day[:-1]
    elif rule != "user":
        pause = int(rule.removeprefix("user-gap").removesuffix("m")) * MINUTE_MS
        starts[1:] |= np.diff(time) > pause
    sessions = np.empty(len(users), dtype=np.int64)
    sessions[order] = np.cumsum(starts) - 1
    return sessions
