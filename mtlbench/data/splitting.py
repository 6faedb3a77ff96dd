"""Which rows are for training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import Log
from mtlbench.api.splitting import PARTS, Splitting, moment

VALIDATION_OF_TRAIN = Fraction(1, 4)
"""Share of a published training part that becomes validation, its end."""


@dataclass(frozen=True)
class Division:
    """The rows of a log in the order of its splits."""

    order: NDArray[np.int64]
    """Row numbers of the log: split after split, and within each by time."""
    parts: dict[str, slice]
    """The splits as ranges of ``order``."""
    counted: tuple[str, ...]
    """The splits that begin after a number of rows, so that rows of one time may lie on both sides."""


def divide(log: Log) -> Division:
    """Divide the rows of ``log``, a log that was checked."""
    split = log.splitting
    order = order_of(log.frame[log.timestamp] if log.timestamp else None, len(log.frame), split.seed)
    side = _sides(log)
    if side is not None:
        order = order[np.argsort(side[order], kind="stable")]
        ends = np.searchsorted(side[order], [0, 1], "right").tolist()
        return Division(order, _ranges([*ends, len(order)]), ())
    if log.held_out:
        late = log.frame[log.held_out].to_numpy(bool)[order]
        order = np.concatenate([order[~late], order[late]])
        rest = len(order) - int(late.sum())
        return Division(order, _ranges([rest - int(rest * VALIDATION_OF_TRAIN), rest, len(order)]), ("validation",))
    return Division(order, _ranges(ends_of(len(order), split.fractions)), ("validation", "test"))


def order_of(timestamp: "pd.Series[int] | None", rows: int, seed: int = Splitting.seed) -> NDArray[np.int64]:
    """Row numbers by time, ties as in the file; drawn by ``seed`` without a timestamp."""
    if timestamp is None:
        return np.random.default_rng(seed).permutation(rows).astype(np.int64)
    return np.argsort(timestamp.to_numpy(dtype=np.int64), kind="stable").astype(np.int64)


def ends_of(rows: int, fractions: Sequence[float]) -> list[int]:
    """After how many of ``rows`` rows each split ends. The numbers are exact, as the fractions are written."""
    train, validation, _ = (Fraction(str(float(share))) for share in fractions)
    return [int(rows * train), int(rows * (train + validation)), rows]


def how(log: Log) -> str:
    """How ``log`` is split, as the end of a sentence."""
    split = log.splitting
    if log.held_out:
        return "as published"
    if split.column:
        return f"by column {split.column!r}"
    if split.validation_from is not None and split.test_from is not None:
        return f"at {moment(split.validation_from)} and {moment(split.test_from)}"
    if split.by_user:
        return f"{split.shares} by user, drawn by seed {split.seed}"
    drawn = "at random" if split.seed == Splitting.seed else f"drawn by seed {split.seed}"
    return f"{split.shares} {'by time' if log.timestamp else drawn}"


def remedy(log: Log) -> str:
    """What to do where a split is empty."""
    split = log.splitting
    if split.column:
        return f"give {split.column!r} rows of all three: {', '.join(PARTS)}"
    if split.cuts:
        time = log.frame[str(log.timestamp)]
        first, last = (moment(int(end)) for end in (time.min(), time.max()))
        return f"its times run from {first} to {last}: choose both between them"
    if split.by_user:
        return "it has too few users: give more, or other fractions"
    return "give at least 5, and for results worth reading, thousands"


def _ranges(ends: Sequence[int]) -> dict[str, slice]:
    return {name: slice(*bounds) for name, *bounds in zip(PARTS, [0, *ends], ends, strict=False)}


def _sides(log: Log) -> NDArray[np.int64] | None:
    """The number of the split of each row, where it is not for their number to say."""
    split = log.splitting
    if split.column:
        codes, values = pd.factorize(log.frame[split.column])
        return np.array([*map(PARTS.index, values)], dtype=np.int64)[codes]
    if split.cuts:
        time = log.frame[str(log.timestamp)].to_numpy(np.int64)
        return np.searchsorted([int(split.validation_from or 0), int(split.test_from or 0)], time, "right")
    return _of_users(log.frame[str(log.user)], split) if split.by_user else None


def _of_users(column: "pd.Series[Any]", split: Splitting) -> NDArray[np.int64]:
    """The users are drawn in an order that only their ids and the seed decide, wherever their rows are in the file."""
    codes, users = pd.factorize(column)
    by_id = np.argsort(pd.util.hash_array(np.asarray(users)), kind="stable")
    drawn = by_id[np.random.default_rng(split.seed).permutation(len(users))]
    side = np.empty(len(users), dtype=np.int64)
    side[drawn] = np.searchsorted(ends_of(len(users), split.fractions)[:2], np.arange(len(users)), "right")
    return side[codes]
