"""Everything that the page shows, as JSON values computed from records alone."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mtlbench.leaderboards.boards.across import mean_ranks
from mtlbench.leaderboards.boards.board import Board, Row, SeedMean
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import board_key, boards, comparable, method_key, searches_on
from mtlbench.leaderboards.boards.naming import backbone_name, weighting_name
from mtlbench.leaderboards.tables.captions import captions, notes
from mtlbench.leaderboards.tables.claims import difference_head, difference_text
from mtlbench.leaderboards.tables.searches import in_order, search_names, values_of
from mtlbench.leaderboards.tables.verdict import verdict
from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.reports.cells import Shared, cell_content, short
from mtlbench.statistics import Estimate
from mtlbench.statistics.expected_best import expected_best
from mtlbench.text import one_line


def content(records: Sequence[Record], searches: Sequence[Search] = ()) -> dict[str, Any]:
    """Boards with rows and the cells of each, their searches, and the mean ranks across boards of equal settings."""
    found = contrasted(boards(records))
    shared = Shared()
    by_board: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.seed, record.cell)):
        by_board[board_key(record)].append(record)
    return {
        "boards": [
            {
                **_board(board, by_board[board_key(board.sample)], shared),
                "searches": _searches(searches_on(board, searches)),
            }
            for board in found
        ],
        "ranks": [
            {"boards": [board.title for board in group], **asdict(ranks), "cliques": ranks.cliques}
            for group in comparable(found)
            if (ranks := mean_ranks(group)) is not None
        ],
        "metrics": [
            {
                "name": metric.key,
                "label": metric.label,
                "lower": metric.lower_is_better,
                "explanation": metric.explanation,
            }
            for metric in dict.fromkeys(metric_of(column) for board in found for column in board.columns)
        ],
        "shared": shared.values,
    }


def _board(board: Board, records: Sequence[Record], shared: Shared) -> dict[str, Any]:
    by_method: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_method[method_key(record)].append(record)
    cells = {row.method: by_method[method_key(row.sample)] if row.sample else [] for row in board.rows}
    return {
        "title": board.title,
        "tasks": list(map(one_line, board.sample.dataset.tasks)),
        "columns": [[board.sample.dataset.tasks.index(task), metric] for task, metric in board.columns],
        "primary": [board.sample.dataset.primary_of(task) for task in board.sample.dataset.tasks],
        "seeds": list(board.seeds),
        "difference": difference_head([board]),
        "verdict": verdict(board),
        "caption": list(captions([board])),
        "machines": list(board.machines),
        "rows": [_row(row, board, cells[row.method], shared) for row in board.rows],
    }


def _row(row: Row, board: Board, records: Sequence[Record], shared: Shared) -> dict[str, Any]:
    sample = row.sample
    return {
        "method": row.method,
        "backbone": backbone_name(sample) if sample else None,
        "weighting": weighting_name(sample) if sample else None,
        "state": row.state,
        "gap": row.gap,
        "equals": row.equals if "not exercised" not in row.flags else "",
        "flags": list(row.flags),
        "notes": notes(row),
        "baseline": row.baseline,
        "tuned": bool(sample and sample.tuned_baseline),
        "values": [_value(row.values.get(column)) for column in board.columns],
        "rank": row.rank,
        "delta": _value(row.delta_m),
        "pareto": row.pareto,
        "spend": row.spend and {"steps": row.spend.steps, "rows": row.spend.rows, "seconds": row.spend.seconds},
        "cells": [cell_content(record, shared) for record in records],
    }


def _value(value: SeedMean | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "mean": value.mean,
        "text": value.text,
        "spread": value.spread,
        "marks": value.marks,
        "interval": _interval(value.interval),
        "best": value.best,
        "difference": _difference(value),
    }


def _difference(value: SeedMean) -> dict[str, Any] | None:
    """To the row's own baseline."""
    found, first = difference_text(value), value.first
    if found is None or first is None:
        return None
    return {
        "mean": first.difference.estimate.value,
        "text": found[0],
        "spread": found[1],
        "interval": _interval(first.difference.estimate),
        "sampling": _interval(first.sampling),
        "verdict": first.verdict,
    }


def _interval(estimate: Estimate | None) -> list[float | None] | None:
    known = estimate is not None and not math.isnan(estimate.half_width)
    return [short(estimate.low), short(estimate.high)] if estimate and known else None


def _searches(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """Of each search of a board the expected best validation score after 1, 2, ... trials."""
    found = [search for search in in_order(searches) if values_of(search)]
    return [
        {
            "method": name,
            "backbone": backbone_name(search),
            "weighting": weighting_name(search),
            "best": [short(value) for value in expected_best(values_of(search))],
        }
        for name, search in zip(search_names(found), found, strict=True)
    ]
