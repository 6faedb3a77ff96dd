"""Small logs and a dataset around a log, for tests of the harness."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlbench import api


def small_log(rows: int = 60, seed: int = 0, **changes: Any) -> api.Log:
    """A funnel log in shuffled order whose splits all hold both classes; ``changes`` go to ``api.Log``."""
    random = np.random.default_rng(seed)
    place = np.arange(rows)
    frame = pd.DataFrame(
        {
            "row": place,
            "time": 1_000_000 + place // 2 * 1000,
            "user": random.integers(6, size=rows),
            "item": random.choice(["a", "b", "c", "d"], size=rows),
            "price": random.normal(size=rows),
            "click": (place % 4 < 2).astype("int8"),
            "buy": (place % 4 == 0).astype("int8"),
        }
    )
    frame["visit"] = frame["user"] * 10 + place // 20
    fields: dict[str, Any] = {
        "frame": frame.sample(frac=1, random_state=seed),
        "tasks": api.funnel("click", "buy"),
        "categorical": ["user", "item"],
        "numerical": ["price"],
        "timestamp": "time",
        "session": "visit",
        "user": "user",
    }
    return api.Log(**{**fields, **changes})


class FileLog(api.Dataset):
    """A dataset that reads one CSV file and counts how often it was asked to."""

    name, label = "file-log", "File Log"

    class Params(api.Params):
        """Parameters of ``file-log``."""

        min_count: int = 1

    params: Params
    loads = 0

    def files(self, root: Path) -> list[Path]:
        """The one file."""
        return [root / "log.csv"]

    def load(self, root: Path) -> api.Log:
        """Read it."""
        self.loads += 1
        return small_log(frame=pd.read_csv(root / "log.csv"), min_count=self.params.min_count)
