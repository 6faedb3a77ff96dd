"""A small user's own table and its description, for tests to use and to break."""

from pathlib import Path

import numpy as np
import pandas as pd

DESCRIPTION = """\
files = "my_log.csv"
tasks = ["click", "purchase"]
categorical = ["user_id", "item_id"]
numerical = ["price"]
timestamp = "time"
timestamp_unit = "s"
user = "user_id"
session = "visit"
"""


def own_table(rows: int = 300) -> pd.DataFrame:
    """A log in no order whose splits all hold both classes, with missing values in its inputs."""
    random = np.random.default_rng(0)
    place = np.arange(rows)
    frame = pd.DataFrame(
        {
            "user_id": random.integers(12, size=rows),
            "item_id": random.choice(["a", "b", "c, d", None], size=rows),
            "price": random.normal(size=rows).round(3),
            "time": 1_700_000_000 + place * 60,
            "click": place % 3 == 0,
            "purchase": place % 6 == 0,
        }
    )
    frame["visit"] = [f"v{user}-{row // 30}" for user, row in zip(frame["user_id"], place, strict=True)]
    frame.loc[5, "price"] = None
    return frame.astype({"click": int, "purchase": int}).sample(frac=1, random_state=0)


def write_own_table(folder: Path, description: str = DESCRIPTION) -> Path:
    """``my_log.csv`` and ``my_log.toml`` in ``folder``; returns the latter."""
    own_table().to_csv(folder / "my_log.csv", index=False)
    path = folder / "my_log.toml"
    path.write_text(description)
    return path
