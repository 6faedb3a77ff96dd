"""The session index: each row as one transition of a session MDP."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class SessionIndex:
    """Sessions of N rows; the columns are those of :class:`mtlbench.api.Split`."""

    session: NDArray[np.int64]
    position: NDArray[np.int64]
    next_row: NDArray[np.int64]
    done: NDArray[np.bool_]


def owned_sessions(session: NDArray[np.int64], user: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The session of each row where a session is one user's, and how many session ids several users have.

    Session numbers that begin anew for each user are told apart so; ids that no two users share stay as they are.

    Args:
        session: (N,) session id of each row, as numbers from 0.
        user: (N,) user of each row, as numbers from 0.
    """
    owner = np.empty(session.max() + 1, dtype=np.int64)
    owner[session] = user
    foreign = owner[session] != user
    if not foreign.any():
        return session, 0
    owned = pd.factorize(session * (user.max() + 1) + user)[0].astype(np.int64)
    shared = np.zeros(len(owner), dtype=np.bool_)
    shared[session[foreign]] = True
    return owned, int(shared.sum())


def index_sessions(ids: NDArray[np.int64]) -> SessionIndex:
    """The session index of the rows of one split, given in order of time with the session id (N,) of each."""
    rows = len(ids)
    session = pd.factorize(ids)[0].astype(np.int64)
    order = np.argsort(session, kind="stable")
    last = np.ones(rows, dtype=np.bool_)
    last[:-1] = session[order][1:] != session[order][:-1]
    starts = np.flatnonzero(np.concatenate(([True], last[:-1])))
    lengths = np.diff(np.append(starts, rows))

    position, next_row, done = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.bool_)
    position[order] = np.arange(rows) - np.repeat(starts, lengths)
    next_row[order] = np.where(last, order, np.roll(order, -1))
    done[order] = last
    return SessionIndex(session, position, next_row, done)


def no_sessions(rows: int) -> SessionIndex:
    """The index of a split without sessions: each row a session of its own."""
    numbers = np.arange(rows, dtype=np.int64)
    return SessionIndex(numbers, np.zeros_like(numbers), numbers, np.ones(rows, dtype=np.bool_))
