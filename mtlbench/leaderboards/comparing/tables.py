"""A comparison as tables and as JSON."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.board import MISSING
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.leaderboards.comparing.comparison import BoardComparison, Comparison, MethodComparison
from mtlbench.leaderboards.formats.export import known
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell, interval_text
from mtlbench.text import counted, one_line

SAME = "="
MARKS = {"better": "▲", "worse": "▼", "unknown": "?"}
ORDER = ("better", "mixed", "worse", "lost", "tied", "same", "unknown", "no scores")


def comparison_tables(comparison: Comparison) -> list[Table]:
    """For each board a table of the methods that both have, and one of those that only mine has."""
    tables = []
    for board in comparison.boards:
        tables.append(_table(board.title, board.aligned, board, (*_summary(board), *_reading(board.aligned))))
        if board.new:
            tables.append(_table(f"{board.title}: new methods", board.new, board, _new_caption(board)))
    return tables


def not_compared(comparison: Comparison, reference: str) -> list[str]:
    """What of mine is not compared with ``reference``, and why.

    Raises:
        UsageError: that is all of it.
    """
    texts = [refusal.text for refusal in comparison.refused]
    texts += [f"{title}: {reference} does not have the dataset" for title in comparison.absent]
    if not comparison.boards:
        raise UsageError(f"nothing may be compared: {'. '.join(texts)}")
    return texts


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; what is not known is ``None``."""
    return {
        "regressed": comparison.regressed,
        "boards": [
            {
                "board": board.title,
                "aligned": [_pair_json(pair) for pair in board.aligned],
                "new": [_pair_json(pair) for pair in board.new],
                "without_baseline": list(board.without_baseline),
                "only_reference": list(board.only_reference),
            }
            for board in comparison.boards
        ],
        "refused": [
            {"board": refusal.title, "differences": list(refusal.differences)} for refusal in comparison.refused
        ],
        "absent": list(comparison.absent),
    }


def _table(title: str, pairs: Sequence[MethodComparison], board: BoardComparison, caption: Sequence[str]) -> Table:
    heads = (Head("", "Verdict"), *(Head(column[0], metric_of(column).label) for column in board.decimals))
    lines = tuple(Line((_label(pair),), (TableCell(pair.verdict), *_cells(pair, board))) for pair in pairs)
    return Table(title, tuple(caption), ("Method",), heads, lines)


def _label(pair: MethodComparison) -> TableCell:
    return TableCell(pair.mine, "" if pair.mine == pair.reference else f"against {pair.reference}")


def _cells(pair: MethodComparison, board: BoardComparison) -> list[TableCell]:
    cells = []
    for column, decimals in board.decimals.items():
        found = pair.cells.get(column)
        if found is None:
            cells.append(TableCell(MISSING, quiet=True))
            continue
        if found.verdict == "same":
            cells.append(TableCell(SAME, quiet=True))
            continue
        estimate = found.difference.estimate
        text, aside = interval_text(estimate.value, estimate.half_width, decimals)
        cells.append(
            TableCell(text, aside, bold=found.verdict in ("better", "worse"), marks=MARKS.get(found.verdict, ""))
        )
    return cells


def _summary(board: BoardComparison) -> list[str]:
    counts = Counter(pair.verdict for pair in board.aligned)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
    texts = [f"{counted(len(board.aligned), 'method')} in both{f': {told}' if told else ''}."]
    if board.only_reference:
        texts.append(f"Only in the reference: {', '.join(map(one_line, board.only_reference))}.")
    if board.without_baseline:
        texts.append(f"Only in mine, and nothing to compare with: {', '.join(map(one_line, board.without_baseline))}.")
    if board.unshared:
        named = ", ".join(f"{one_line(column[0])} {metric_of(column).label}" for column in board.unshared)
        texts.append(f"Not compared, because one of the two lacks it: {named}.")
    changed = [f"{one_line(pair.mine)} ({' and '.join(pair.other_code)})" for pair in board.aligned if pair.other_code]
    if changed:
        texts.append(f"Run with other code: {', '.join(changed)}.")
    return [" ".join(texts)]


def _reading(pairs: Sequence[MethodComparison]) -> list[str]:
    """How to read the differences, as far as there are any of a kind."""
    cells = [cell for pair in pairs for cell in pair.cells.values()]
    if not cells:
        return []
    paired = sorted({cell.difference.counts[0] for cell in cells if cell.difference.paired})
    how = [f"seed by seed over {' or '.join(map(str, paired))} shared"] if paired else []
    if any(not cell.difference.paired for cell in cells):
        how.append("as independent means (Welch), which is less sharp, where fewer than 2 seeds are shared")
    tested = sum(not math.isnan(cell.difference.p) for cell in cells)
    marks = {
        "same": f"{SAME} the same to the last digit.",
        "tied": "Without a mark tied: these seeds do not tell the two apart.",
        "unknown": "? one seed, which tells nothing.",
    }
    verdicts = {cell.verdict for cell in cells}
    texts = [
        f"Mine minus the reference, {'; '.join(how)}.",
        "In parentheses half the width of the difference's own 95 % interval (Student's t), in units of the last "
        "digit.",
        f"▲ better and ▼ worse with p < .05, Holm-adjusted over {counted(tested, 'comparison')}.",
        *(text for verdict, text in marks.items() if verdict in verdicts),
    ]
    return [" ".join(texts)]


def _new_caption(board: BoardComparison) -> list[str]:
    text = f"{counted(len(board.new), 'method')} that the reference lacks, against its baseline on the same backbone."
    return [text, *_reading(board.new)]


def _pair_json(pair: MethodComparison) -> dict[str, Any]:
    return {
        "mine": pair.mine,
        "reference": pair.reference,
        "verdict": pair.verdict,
        "regressed": pair.regressed,
        "lost": pair.lost,
        "other_code": list(pair.other_code),
        "columns": [
            {
                "task": task,
                "metric": metric,
                "difference": cell.difference.estimate.value,
                "low": known(cell.difference.estimate.low),
                "high": known(cell.difference.estimate.high),
                "p": known(cell.difference.p),
                "p_adjusted": known(cell.adjusted),
                "paired": cell.difference.paired,
                "seeds": list(cell.difference.counts),
                "verdict": cell.verdict,
            }
            for (task, metric), cell in pair.cells.items()
        ],
    }
