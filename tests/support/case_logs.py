"""A log of sessions whose columns tests spoil in the ways in which users' logs are spoilt."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets.table import Table

START = 1_700_000_000
DESCRIPTION: dict[str, Any] = {
    "files": "log.csv",
    "tasks": ["click", "purchase"],
    "categorical": ["user_id", "item_id", "city"],
    "numerical": ["price"],
    "timestamp": "time",
    "timestamp_unit": "s",
    "user": "user_id",
    "session_rule": "user-gap30m",
}


def visits(rows: int = 1500) -> pd.DataFrame:
    """Sessions of five impressions, 20 seconds apart, each in an hour of its own; by user and then by time."""
    random = np.random.default_rng(0)
    number = rows // 5
    frame = pd.DataFrame({"user_id": random.integers(60, size=number), "start": random.permutation(number)})
    frame = frame.sort_values(["user_id", "start"], ignore_index=True)
    frame["session_id"] = 1 + frame.groupby("user_id").cumcount()
    frame = frame.loc[frame.index.repeat(5)].reset_index(drop=True)
    place = np.arange(len(frame)) % 5
    click = random.random(len(frame)) < 0.4
    return pd.DataFrame(
        {
            "user_id": frame["user_id"],
            "item_id": random.integers(40, size=len(frame)),
            "city": random.choice(["Oslo", "Lima", "Pune"], size=len(frame)),
            "price": random.gamma(2, 10, size=len(frame)).round(2),
            "time": START + 3600 * frame["start"] + 20 * place,
            "click": click.astype(int),
            "purchase": (click & (random.random(len(frame)) < 0.3)).astype(int),
            "session_id": frame["session_id"],
        }
    )


def describe(folder: Path, frame: pd.DataFrame | None, **changes: Any) -> Table:
    """The table of ``frame``, written to ``log.csv``, under the description with ``changes``: ``None`` drops a key."""
    if frame is not None:
        frame.to_csv(folder / "log.csv", index=False)
    lines = [f"{key} = {_toml(value)}" for key, value in {**DESCRIPTION, **changes}.items() if value is not None]
    (folder / "log.toml").write_text("\n".join(lines) + "\n")
    return Table(Table.Params(schema_=folder / "log.toml"))


def encoded(table: Table) -> api.Splits:
    """The splits of a table."""
    return build(table.load(Path("not read")), "table", "key")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
