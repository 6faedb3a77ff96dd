"""The tables beside the scores: how methods rank over all columns, what they spent, and what they reported."""

from collections.abc import Sequence

from mtlbench.leaderboards.boards.board import MISSING, Board, Row
from mtlbench.leaderboards.boards.columns import in_words, metric_of
from mtlbench.leaderboards.boards.standing import FrontArea, front_area, references
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell, interval_text
from mtlbench.records.tuned import is_tuned
from mtlbench.text import one_line

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
            (TableCell(name),),
            tuple(cell for board, rows in zip(group, by_board, strict=True) for cell in _cells(rows.get(name), board)),
        )
        for name in names
    )
    heads = tuple(Head(board.title if len(group) > 1 else "", name) for board in group for name in _names(board))
    return Table(TITLE, _rank_and_spend_caption(group), ("Method",), heads, lines)


def diagnostics_table(board: Board) -> Table | None:
    """The table of all rows of ``board`` that have something to report."""
    rows = [row for row in board.rows if row.diagnostics]
    names = dict.fromkeys(name for row in rows for name in row.diagnostics)
    if not names:
        return None
    lines = tuple(
        Line((TableCell(row.method),), tuple(TableCell(row.diagnostics.get(name, MISSING)) for name in names))
        for row in rows
    )
    tasks = " / ".join(map(one_line, board.sample.dataset.tasks))
    caption = (
        f"Means over seeds, as {tasks} where there is one for each task. Weights: the mean and, in brackets, the 5 % "
        "and 95 % quantiles of those applied in the last epoch, of methods that change them. Of a curve, such as a "
        "loss pass by pass: its first and its last value, and how many there are."
    )
    heads = tuple(Head("", one_line(name.replace("_", " "))) for name in names)
    return Table(f"{board.title}: diagnostics", (caption,), ("Row",), heads, lines)


def standing_heads(board: Board) -> tuple[Head, ...]:
    """Heads of rank and, where there is a reference, of Delta_m."""
    return tuple(Head("", name) for name in _standing(board))


def standing_cells(row: Row, board: Board) -> tuple[TableCell, ...]:
    """Rank and Delta_m of ``row``, as :func:`standing_heads` names them."""
    return tuple(cell for name, cell in zip(_names(board), _cells(row, board), strict=True) if name in _standing(board))


def _standing(board: Board) -> list[str]:
    return ["Rank", *([DELTA_M] if board.reference else [])]


def _names(board: Board) -> list[str]:
    pareto = ["Pareto"] if any(row.pareto for row in board.rows) else []
    return [*_standing(board), *pareto, "Steps", "Rows", "Seconds"]


def _cells(row: Row | None, board: Board) -> list[TableCell]:
    if row is None or row.spend is None:
        return [TableCell(MISSING, quiet=True)] * len(_names(board))
    known: dict[str, TableCell | None] = {
        "Rank": TableCell(f"{row.rank:.1f}") if row.rank is not None else None,
        DELTA_M: _delta_m(row),
        "Pareto": TableCell("front" if row.pareto else ""),
        "Steps": TableCell(f"{row.spend.steps:,.0f}"),
        "Rows": TableCell(f"{row.spend.rows:,.0f}"),
        "Seconds": TableCell(f"{row.spend.seconds:,.1f}"),
    }
    return [known[name] or TableCell(MISSING, quiet=True) for name in _names(board)]


def _delta_m(row: Row) -> TableCell | None:
    if row.delta_m is None or row.delta_m.interval is None:
        return None
    return TableCell(*interval_text(row.delta_m.mean, row.delta_m.interval.half_width, decimals=2))


def _pareto(group: Sequence[Board]) -> str:
    """What the front is of, and of boards on which chance has a level how much it covers."""
    on_front = [board for board in group if any(row.pareto for row in board.rows)]
    areas = [(board, area) for board in group if (area := front_area(board.rows, board.primaries)) is not None]
    if not on_front and not areas:
        return ""
    primaries = [column for board in group for column in board.primaries]
    metrics = in_words([*dict.fromkeys(metric_of(column).label for column in primaries)])
    text = f"Pareto: on the front of the tasks' {metrics}"
    if not areas:
        return f"{text}."
    covered = "; ".join(f"{f'{board.title}: ' if len(group) > 1 else ''}{_covered(area)}" for board, area in areas)
    return f"{text}, which covers {covered}."


def _covered(area: FrontArea) -> str:
    """``36.5 % of what lies above chance (.5, .5)``."""
    chance = ", ".join(f"{level:g}".removeprefix("0") or "0" for level in area.chance)
    return f"{100 * area.covered / area.whole:.1f} % of what lies above chance ({chance})"


def _rank_and_spend_caption(group: Sequence[Board]) -> tuple[str, ...]:
    """Caption of the table of rank and spend."""
    split = any(board.two_tables for board in group)
    over = "the tasks' primary metrics" if split else "the columns of the table above"
    texts = [f"Rank: the mean over {over}, of methods with every seed; 1 is the best."]
    against = sorted({one_line(board.reference) for board in group if board.reference})
    if against:
        texts.append(
            f"Δm: the mean relative improvement over {' or '.join(against)} in all "
            f"{'of these' if split else 'columns'}, "
            "in percent, seed by seed, with half its 95 % interval."
        )
    elif any(references(board.rows) for board in group):
        texts.append(
            "No Δm: several rows train one network per task under constant weights, and not one alone at its defaults."
        )
    else:
        texts.append("No Δm: no row with every seed trains one network per task under constant weights.")
    if pareto := _pareto(group):
        texts.append(pareto)
    machines = sorted({one_line(machine) for board in group for machine in board.machines})
    spend = "Optimiser steps, training rows and seconds per seed; every stage counts, a reused one too"
    if any(row.sample and is_tuned(row.sample) for board in group for row in board.rows):
        spend += ", and in each seed of a tuned row its whole search"
    fair = " Seconds of different machines do not compare." if len(machines) > 1 else ""
    return " ".join(texts), f"{spend}. Run on {'; '.join(machines)}.{fair}"
