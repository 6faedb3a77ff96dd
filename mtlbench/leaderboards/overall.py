"""The table beside the scores: how methods rank over all columns, and what they spent."""

from collections.abc import Sequence

from mtlbench.leaderboards.board import Board, Row
from mtlbench.leaderboards.captions import overall_caption
from mtlbench.leaderboards.table import MISSING, Cell, Head, Line, Table, interval_text

TITLE = "Rank and Spend"
DELTA_M = "Δm %"


def overall_table(group: Sequence[Board], methods: Sequence[str]) -> Table | None:
    """Rank, Delta_m, Pareto front and spend of those of ``methods`` that have scores; ``None`` where none has."""
    by_board = [{row.method: row for row in board.rows if row.spend} for board in group]
    names = [method for method in methods if any(method in rows for rows in by_board)]
    if not names:
        return None
    lines = tuple(
        Line(
            (Cell(name),),
            tuple(cell for board, rows in zip(group, by_board, strict=True) for cell in _cells(rows.get(name), board)),
        )
        for name in names
    )
    heads = tuple(Head(board.title if len(group) > 1 else "", name) for board in group for name in _names(board))
    return Table(TITLE, overall_caption(group), ("Method",), heads, lines)


def _names(board: Board) -> list[str]:
    delta = [DELTA_M] if board.reference else []
    pareto = ["Pareto"] if has_front(board) else []
    return ["Rank", *delta, *pareto, "Steps", "Rows", "Seconds"]


def has_front(board: Board) -> bool:
    """Whether there is a trade-off to show: two tasks, and a complete row."""
    return any(row.pareto for row in board.rows)


def _cells(row: Row | None, board: Board) -> list[Cell]:
    if row is None or row.spend is None:
        return [Cell(MISSING, quiet=True)] * len(_names(board))
    known: dict[str, Cell | None] = {
        "Rank": Cell(f"{row.rank:.1f}") if row.rank is not None else None,
        DELTA_M: _delta_m(row),
        "Pareto": Cell("front" if row.pareto else ""),
        "Steps": Cell(f"{row.spend.steps:,.0f}"),
        "Rows": Cell(f"{row.spend.rows:,.0f}"),
        "Seconds": Cell(f"{row.spend.seconds:,.1f}"),
    }
    return [known[name] or Cell(MISSING, quiet=True) for name in _names(board)]


def _delta_m(row: Row) -> Cell | None:
    if row.delta_m is None or row.delta_m.interval is None:
        return None
    return Cell(*interval_text(row.delta_m.mean, row.delta_m.interval.half_width, decimals=2))
