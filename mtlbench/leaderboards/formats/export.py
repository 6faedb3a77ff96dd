"""Boards as one data frame, and as CSV, JSON and Parquet made of it."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.config.parameters import params_text
from mtlbench.leaderboards.boards.board import Board, Row, SeedMean
from mtlbench.leaderboards.boards.columns import Column
from mtlbench.leaderboards.tables.table import Table
from mtlbench.text import one_line

if TYPE_CHECKING:
    import pandas as pd

LISTS = ("seeds", "scores")
"""Columns that hold a list, of equal length."""
KEY = ("board", "method", "task", "metric")
"""Columns that tell which row it is."""
CONTRAST = (
    "versus",
    "difference",
    "difference_low",
    "difference_high",
    "sample_low",
    "sample_high",
    "p",
    "p_adjusted",
    "comparisons",
    "verdict",
)
"""Columns of a comparison with a baseline; those with a second one end in ``_2``."""
FORMULA = re.compile("'*[=+@\\-\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that a spreadsheet would take for a formula, quoted any number of times."""


def summary(boards: Iterable[Board]) -> "pd.DataFrame":
    """One row per board, method, task and metric: all numbers that the tables print, and those they are made of.

    Columns: ``board`` (title), ``dataset``, ``dataset_params``, ``fingerprint``, ``protocol``, ``preset``,
    ``training``; ``method``, ``backbone``, ``backbone_params``, ``weighting``, ``weighting_params``, ``baseline``,
    ``state``, ``reason``, ``flags`` (such as ``not exercised``), ``equals`` (an earlier row with the same scores);
    ``rank``, ``delta_m`` (with ``_low``, ``_high``), ``pareto``, ``steps``, ``rows``,
    ``seconds``, the same for all columns of a method; ``task``, ``metric``, ``n``, ``mean``, ``sd``, ``low``, ``high``
    (95 % interval over seeds), ``best``, ``best_baseline``; ``versus`` (the baseline's method), ``difference`` (with
    ``_low``, ``_high`` over seeds, and ``sample_low``, ``sample_high`` over test samples); in primary metrics ``p``,
    ``p_adjusted`` over all ``comparisons`` of the board, and ``verdict``; the same with ``_2`` for a second baseline;
    ``seeds`` and ``scores`` (lists). What is not known is missing.
    """
    import pandas as pd  # half a second, which a table on the terminal need not wait for

    return pd.DataFrame(_rows(boards))


def to_csv(tables: Sequence[Table]) -> bytes:
    """The summary of the tables' boards as CSV; lists are separated by spaces.

    A text that a spreadsheet would compute, such as a method called ``=1+1``, gets a single quote before it. Numbers
    are left as they are.
    """
    import pandas as pd

    frame = pd.DataFrame([{name: quoted(value) for name, value in row.items()} for row in _rows(_boards(tables))])
    for name in LISTS:
        if name in frame:
            frame[name] = [" ".join(map(str, items)) for items in frame[name]]
    return frame.to_csv(index=False, lineterminator="\n").encode()


def from_csv(content: bytes) -> list[dict[str, Any]]:
    """The rows of :func:`to_csv`, every value as text, without the quotes that it put before texts."""
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
    return [{name: unquoted(value) for name, value in row.items()} for row in rows]


def from_json(content: bytes) -> list[dict[str, Any]]:
    """The rows of :func:`to_json`."""
    rows: list[dict[str, Any]] = json.loads(content)
    return rows


def from_parquet(content: bytes) -> list[dict[str, Any]]:
    """The rows of :func:`to_parquet`."""
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(content)).astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    return [{str(name): list(value) if name in LISTS else value for name, value in row.items()} for row in rows]


READERS: Mapping[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "csv": from_csv,
    "json": from_json,
    "parquet": from_parquet,
}
"""Format of numbers -> the rows that a file of it has."""


def quoted(value: Any) -> Any:
    """``value`` for a spreadsheet: a text that it would take for a formula begins with a single quote."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def unquoted(value: Any) -> Any:
    """The inverse of :func:`quoted`."""
    return value[1:] if isinstance(value, str) and value.startswith("'") and FORMULA.match(value) else value


def to_json(tables: Sequence[Table]) -> bytes:
    """The summary of the tables' boards as a JSON list of objects; missing values are ``null``."""
    return (json.dumps(_rows(_boards(tables)), indent=1, allow_nan=False) + "\n").encode()


def to_parquet(tables: Sequence[Table]) -> bytes:
    """The summary of the tables' boards as Parquet."""
    buffer = io.BytesIO()
    summary(_boards(tables)).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _boards(tables: Sequence[Table]) -> list[Board]:
    return [board for table in tables for board in table.boards]


def _rows(boards: Iterable[Board]) -> list[dict[str, Any]]:
    return [
        _row(board, row, column, comparisons)
        for board in boards
        for comparisons in [len(board.tested)]
        for row in board.rows
        for column in board.columns
    ]


def _row(board: Board, row: Row, column: Column, comparisons: int) -> dict[str, Any]:
    value = row.values.get(column)
    found = {
        **_conditions(board),
        **_method(row),
        "task": column[0],
        "metric": column[1],
        **_value(value),
        **_contrast(value, 0, comparisons),
        **{f"{name}_2": number for name, number in _contrast(value, 1, comparisons).items()},
        "seeds": list(row.seeds) if value else [],
        "scores": list(value.seeds) if value else [],
    }
    return {name: one_line(value) if isinstance(value, str) else value for name, value in found.items()}


def _conditions(board: Board) -> dict[str, Any]:
    dataset = board.sample.dataset
    return {
        "board": board.title,
        "dataset": dataset.name,
        "dataset_params": params_text(dataset.params),
        "fingerprint": dataset.fingerprint,
        "protocol": board.sample.protocol,
        "preset": board.sample.preset,
        "training": params_text(board.sample.training),
    }


def _method(row: Row) -> dict[str, Any]:
    sample, spend = row.sample, row.spend
    return {
        "method": row.method,
        "backbone": sample.backbone.name if sample else None,
        "backbone_params": params_text(sample.backbone.params) if sample else None,
        "weighting": sample.weighting.name if sample else None,
        "weighting_params": params_text(sample.weighting.params) if sample else None,
        "baseline": row.baseline,
        "state": row.state,
        "reason": "; ".join(row.reasons) or None,
        "flags": "; ".join(row.flags) or None,
        "equals": row.equals or None,
        "rank": row.rank,
        **{f"delta_m{end}": number for end, number in _interval(row.delta_m).items()},
        "pareto": row.pareto,
        "steps": spend.steps if spend else None,
        "rows": spend.rows if spend else None,
        "seconds": spend.seconds if spend else None,
    }


def _interval(value: SeedMean | None) -> dict[str, float | None]:
    interval = value.interval if value else None
    return {
        "": value.mean if value else None,
        "_low": known(interval.low) if interval else None,
        "_high": known(interval.high) if interval else None,
    }


def _value(value: SeedMean | None) -> dict[str, Any]:
    interval = _interval(value)
    return {
        "n": len(value.seeds) if value else 0,
        "mean": interval[""],
        "sd": value.sd if value else None,
        "low": interval["_low"],
        "high": interval["_high"],
        "best": value is not None and value.best,
        "best_baseline": value is not None and value.best_baseline,
    }


def _contrast(value: SeedMean | None, place: int, comparisons: int) -> dict[str, Any]:
    """The contrast with the first baseline (place 0) or the second (1), one of ``comparisons`` of the board."""
    found = next((contrast for contrast in value.contrasts if contrast.place == place), None) if value else None
    estimate, sampling = (found.difference.estimate, found.sampling) if found else (None, None)
    return {
        "versus": found.baseline if found else None,
        "difference": estimate.value if estimate else None,
        "difference_low": known(estimate.low) if estimate else None,
        "difference_high": known(estimate.high) if estimate else None,
        "sample_low": known(sampling.low) if sampling else None,
        "sample_high": known(sampling.high) if sampling else None,
        "p": known(found.p) if found else None,
        "p_adjusted": known(found.adjusted) if found else None,
        "comparisons": comparisons if found and found.verdict else None,
        "verdict": found.verdict if found else None,
    }


def known(number: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return None if math.isnan(number) else number
