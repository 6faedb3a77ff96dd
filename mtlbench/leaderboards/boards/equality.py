"""Rows that are the same to the last digit: they were computed alike, whatever they are called."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from mtlbench.leaderboards.boards.board import Row
from mtlbench.leaderboards.boards.naming import key_of


def equal_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows, each with the first one of its backbone that has the same score in every seed and column.

    Scores of thousands of rows do not agree to the last bit by chance, so such methods did the same: by construction,
    as PCGrad and UPGrad with two tasks, or because what makes them different was never exercised.
    """
    first: dict[Hashable, str] = {}
    found = []
    for row in rows:
        equals = ""
        if row.state == "complete" and row.sample and row.values:
            scores = tuple((column, value.seeds) for column, value in row.values.items())
            equals = first.setdefault((key_of(row.sample.backbone), scores), row.method)
        found.append(replace(row, equals="" if equals == row.method else equals))
    return found
