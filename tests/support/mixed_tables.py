"""A small table of tasks of every kind, one of them observed in part, for tests to use and to break."""

from pathlib import Path

import numpy as np
import pandas as pd

MIXED = """\
files = "mixed.csv"
tasks = [
  "click",
  { name = "watch", column = "seconds", kind = "nonnegative" },
  { name = "mood", kind = "real" },
  { name = "stars", column = "rating", kind = "real", observed = "rated == 1" },
]
categorical = ["user_id", "item_id"]
numerical = ["price"]
timestamp = "time"
timestamp_unit = "s"
user = "user_id"
session = "visit"
"""


def mixed_table(rows: int = 300) -> pd.DataFrame:
    """A log in order of time: clicks, seconds, a mood of any sign, and ratings, empty where nobody rated."""
    random = np.random.default_rng(0)
    place = np.arange(rows)
    user, item = random.integers(12, size=rows), random.integers(9, size=rows)
    liking = random.normal(size=12)[user] + random.normal(size=9)[item]
    click = liking + random.normal(size=rows) > 0
    rated = click & (random.random(rows) < 0.6)
    return pd.DataFrame(
        {
            "user_id": user,
            "item_id": [f"i{number}" for number in item],
            "price": random.normal(size=rows).round(3),
            "time": 1_700_000_000 + place * 60,
            "visit": [f"v{number}-{row // 30}" for number, row in zip(user, place, strict=True)],
            "click": click.astype(int),
            "seconds": np.where(click, random.gamma(2, 10 * np.exp(liking / 4)), 0).round(1),
            "mood": (liking + random.normal(size=rows)).round(3),
            "rated": rated.astype(int),
            "rating": np.where(rated, np.clip(np.round(3 + liking), 1, 5), np.nan),
        }
    )


def write_mixed_table(folder: Path, description: str = MIXED, frame: pd.DataFrame | None = None) -> Path:
    """``mixed.csv`` and ``mixed.toml`` in ``folder``; returns the latter."""
    (mixed_table() if frame is None else frame).to_csv(folder / "mixed.csv", index=False)
    path = folder / "mixed.toml"
    path.write_text(description)
    return path
