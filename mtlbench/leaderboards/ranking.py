"""Which values of a board are the best: only rows with every seed compete."""

from collections.abc import Sequence
from dataclasses import replace

from mtlbench.leaderboards.board import HIGHER_IS_BETTER, Column, Row


def ranked(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows with the best value of each column marked, and the best baseline's.

    Values that print alike are equally good.
    """
    best = {column: _best(rows, column) for column in columns}
    best_baseline = {column: _best([row for row in rows if row.baseline], column) for column in columns}

    def marked(row: Row) -> Row:
        return replace(
            row,
            values={
                column: replace(
                    value,
                    best=row.state == "complete" and value.text == best[column],
                    best_baseline=row.state == "complete" and row.baseline and value.text == best_baseline[column],
                )
                for column, value in row.values.items()
            },
        )

    return [marked(row) for row in rows]


def _best(rows: Sequence[Row], column: Column) -> str | None:
    found = [row.values[column] for row in rows if row.state == "complete" and column in row.values]
    if not found:
        return None
    pick = max if column[1] in HIGHER_IS_BETTER else min
    return pick(found, key=lambda value: value.mean).text
