"""The impressions of ``synthetic``, and scores of them that are made of causes a model can see."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

Vector = NDArray[np.float64]

START_MS = 1_704_067_200_000  # 2024-01-01, UTC
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DAYS = 14
SESSIONS_PER_HOUR = 1 + 0.8 * np.cos(2 * np.pi * (np.arange(24) - 20) / 24)
SECONDS_BETWEEN_IMPRESSIONS = 20

LEVELS = {"segment": 5, "device": 3, "category": 8, "brand": 10, "daypart": 4}
SHARES = {
    "user_id": 0.03,
    "item_id": 0.03,
    "taste": 0.04,
    "category": 0.28,
    "brand": 0.12,
    "device": 0.17,
    "daypart": 0.05,
    "price": 0.28,
}
"""Share of the variance of a task's affinity that comes from each cause; ``taste`` is segment times category."""
TASTE_RANK = 2
AFFINITY_SPREAD = 1.4


@dataclass(frozen=True)
class Sizes:
    """How much there is of what."""

    rows: int
    users: int
    items: int
    session_length: float


def impressions(sizes: Sizes, random: np.random.Generator) -> pd.DataFrame:
    """Who is shown what and when: every column but the labels."""
    rows = sizes.rows
    lengths = random.geometric(1 / sizes.session_length, size=rows)
    session = np.repeat(np.arange(rows), lengths)[:rows]
    sessions = int(session[-1]) + 1
    first = np.flatnonzero(np.diff(session, prepend=-1))

    activity = random.gamma(2.0, size=sizes.users)
    user = random.choice(sizes.users, size=sessions, p=activity / activity.sum())[session]
    popularity = 1 / np.sqrt(np.arange(1, sizes.items + 1))
    item = random.choice(sizes.items, size=rows, p=popularity / popularity.sum())

    hour = random.choice(24, size=sessions, p=SESSIONS_PER_HOUR / SESSIONS_PER_HOUR.sum())
    start = START_MS + random.integers(DAYS, size=sessions) * DAY_MS + hour * HOUR_MS
    start += random.integers(HOUR_MS, size=sessions)
    elapsed = np.cumsum(1 + random.exponential(1000 * SECONDS_BETWEEN_IMPRESSIONS, size=rows).astype(np.int64))
    time = start[session] + elapsed - elapsed[first][session]

    return pd.DataFrame(
        {
            "session": session,
            "time_ms": time,
            "user_id": user,
            "item_id": item,
            "segment": random.integers(LEVELS["segment"], size=sizes.users)[user],
            "device": random.integers(LEVELS["device"], size=sessions)[session],
            "category": random.integers(LEVELS["category"], size=sizes.items)[item],
            "brand": random.integers(LEVELS["brand"], size=sizes.items)[item],
            "daypart": time // HOUR_MS % 24 * LEVELS["daypart"] // 24,
            "price": random.normal(size=sizes.items)[item],
            "position": np.log1p(np.arange(rows) - first[session]),
        }
    )


def score(frame: pd.DataFrame, sizes: Sizes, random: np.random.Generator, shares: Mapping[str, float]) -> Vector:
    """One draw of the latent-factor score of each row, of variance about 1, made of its causes by their ``shares``."""
    numbers = {"user_id": sizes.users, "item_id": sizes.items, **LEVELS}
    causes = {name: standard(random.normal(size=size))[frame[name]] for name, size in numbers.items() if name in shares}
    segments = random.normal(size=(LEVELS["segment"], TASTE_RANK))
    categories = random.normal(size=(LEVELS["category"], TASTE_RANK))
    taste = (segments - segments.mean(0)) @ (categories - categories.mean(0)).T
    causes["taste"] = standard(taste)[frame["segment"], frame["category"]]
    causes["price"] = frame["price"].to_numpy()
    total: Vector = sum((np.sqrt(shares[name]) * value for name, value in causes.items()), np.zeros(len(frame)))
    return total


def standard(effects: Vector) -> Vector:
    """The effects, shifted and scaled to mean 0 and variance 1; a single effect becomes 0."""
    spread = effects.std()
    return (effects - effects.mean()) / spread if spread else np.zeros_like(effects)


def with_mean(logits: Vector, mean: float, weights: Vector | None = None) -> Vector:
    """Probabilities from the logits, all shifted by the same number so that their (weighted) mean is ``mean``."""
    shift = brentq(lambda shift: np.average(expit(logits + shift), weights=weights) - mean, -100, 100)
    probabilities: Vector = expit(logits + shift)
    return probabilities
