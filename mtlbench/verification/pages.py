"""Whether a leaderboard page is what its records give, and which cell differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.leaderboards import BoardScores, Layout, Page, Table, build, parse_page, to_markdown
from mtlbench.leaderboards.board import METRICS
from mtlbench.leaderboards.board_scores import MethodScores
from mtlbench.leaderboards.naming import canonical
from mtlbench.leaderboards.reading import without_mark
from mtlbench.leaderboards.table import Cell
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Collection, Stored

REBUILD = "build it anew with `mtlbench leaderboard build`"
MOST = 20
"""Differences that are listed; a page that differs in more is out of date rather than edited."""


def page_findings(collection: Collection, stored: Sequence[Stored]) -> list[Finding]:
    """What differs between the page and one built from the records, with the options that the page was built with."""
    path = collection.page
    try:
        text = path.read_text(encoding="utf-8")
        page = parse_page(text, "it")
        expected = _rebuilt(stored, page.options)
    except UnicodeDecodeError:
        return [Finding("page", f"it is no UTF-8 text; {REBUILD}", path)]
    except UsageError as error:
        return [Finding("page", str(error), path)]
    if text == expected:
        return []
    wanted = parse_page(expected, "it")
    found = list(_different_scores(collection, page, wanted, stored))
    if not found:
        found = [Finding("page", text, path) for text in _different_cells(page.tables, wanted.tables)]
    if not found:
        found = [Finding("page", _different_line(text, expected), path)]
    more = f"and {len(found) - MOST} further differences; {REBUILD}"
    return found if len(found) <= MOST else [*found[:MOST], Finding("page", more, path)]


def _rebuilt(stored: Sequence[Stored], options: Sequence[str]) -> str:
    values: dict[str, list[str]] = {"--layout": [], "--sort": [], "--baseline": []}
    for name, value in zip_longest(options[::2], options[1::2]):
        if name not in values or value is None:
            raise UsageError(
                f"its first line names the option {name!r}, which is none of {', '.join(values)}; {REBUILD}"
            )
        values[name].append(value)
    layout: Layout = "paper" if values["--layout"] == ["paper"] else "methods"
    sort = (values["--sort"] or ["weighting"])[0]
    tables = build([one.record for one in stored], layout, sort, values["--baseline"])
    return to_markdown(tables, options=options)


def _different_scores(collection: Collection, page: Page, wanted: Page, stored: Sequence[Stored]) -> Iterator[Finding]:
    """Scores of single seeds that the page carries otherwise than the records: each names its cell."""
    shown = {(board.title, method.method): (board, method) for board in page.boards for method in board.methods}
    for board in wanted.boards:
        for method in board.methods:
            _, old = shown.pop((board.title, method.method), (None, None))
            before = _by_seed(board, old) if old else {}
            for seed, scores in _by_seed(board, method).items():
                one = _stored(stored, board, method, seed)
                if seed not in before:
                    text = f"{collection.page.name} lacks it, so the page is older than the record; {REBUILD}"
                    yield Finding("page", text, one.path, one.record)
                elif before[seed] != scores:
                    text = (
                        f"{_changes(before[seed], scores, collection.page.name)}: either the record was changed, or "
                        f"the page is out of date; run the cell again, or {REBUILD}"
                    )
                    yield Finding("page", text, one.path, one.record)
            for seed in before.keys() - _by_seed(board, method).keys():
                text = f"row {method.method}: the page has seed {seed}, of which there is no record; {REBUILD}"
                yield Finding("page", text, collection.page)
    for title, method_name in shown:
        text = f"{title}: the page has a row {method_name}, of which there is no record; {REBUILD}"
        yield Finding("page", text, collection.page)


def _by_seed(board: BoardScores, method: MethodScores) -> dict[int, dict[str, float]]:
    columns = [f"{task} {METRICS[metric]}" for task, metric in board.columns]
    return {
        seed: {column: scores[i] for column, scores in zip(columns, method.scores, strict=True) if scores is not None}
        for i, seed in enumerate(method.seeds)
    }


def _changes(page: Mapping[str, float], record: Mapping[str, float], name: str) -> str:
    return "; ".join(
        f"{column} is {record.get(column, 'missing')} in the record and {page.get(column, 'missing')} in {name}"
        for column in dict.fromkeys([*record, *page])
        if page.get(column) != record.get(column)
    )


def _stored(stored: Iterable[Stored], board: BoardScores, method: MethodScores, seed: int) -> Stored:
    def key(*parts: Any) -> str:
        return canonical(parts)

    wanted = key(board.fingerprint, board.dataset.key, method.key, seed)
    for one in stored:
        record = one.record
        uses = [canonical([use.name, use.params]) for use in (record.dataset, record.backbone, record.weighting)]
        if key(record.dataset.fingerprint, uses[0], canonical(uses[1:]), record.seed) == wanted and all(
            board.conditions.get(name, value) == value for name, value in record.training.items() if name != "allowance"
        ):
            return one
    raise AssertionError(f"a row was made of no record: {method.method}, seed {seed}")


def _different_cells(page: Sequence[Table], wanted: Sequence[Table]) -> Iterator[str]:
    """Cells of the tables that read otherwise than the records give them."""
    old = {table.title: table for table in _flat(page)}
    for table in _flat(wanted):
        shown = old.pop(table.title, None)
        if shown is None:
            yield f"the table {table.title!r} is missing; {REBUILD}"
            continue
        lines = {_row(line.labels, shown): line for line in shown.lines}
        for line in table.lines:
            row = _row(line.labels, table)
            found = lines.pop(row, None)
            if found is None:
                yield f"table {table.title!r}: the row {row} is missing; {REBUILD}"
            elif shown.heads != table.heads:
                yield f"table {table.title!r}: its columns are not those that the records give; {REBUILD}"
                break
            else:
                for head, cell, right in zip(table.heads, found.cells, line.cells, strict=True):
                    if cell != right:
                        column = f"{head.group} {head.name}".strip()
                        was, is_ = _text(cell), _text(right)
                        yield (
                            f"table {table.title!r}, row {row}, column {column}: it reads {was}, the records give "
                            f"{is_}: it was edited by hand or is out of date; {REBUILD}"
                        )
        yield from _different_notes(shown, table)
        for row in lines:
            yield f"table {table.title!r}: the row {row} is not in the records; {REBUILD}"
    for title in old:
        yield f"the table {title!r} is not in the records; {REBUILD}"


def _flat(tables: Iterable[Table]) -> list[Table]:
    """Tables and those below them, told apart by the heading above."""
    found = chain.from_iterable(
        (table, replace(table.spend, title=f"{table.title}: {table.spend.title}")) if table.spend else (table,)
        for table in tables
    )
    return list(found)


def _row(labels: Sequence[Cell], table: Table) -> str:
    return ", ".join(without_mark(label.text, table) for label in labels)


def _different_notes(shown: Table, wanted: Table) -> Iterator[str]:
    """Notes that read otherwise; a note that is gone renumbers the others, which is no difference."""
    own, right = ([note for _, note in table.notes] for table in (shown, wanted))
    for note in own:
        if note not in right:
            yield f"table {wanted.title!r}: the note {note!r} is not what the records give; {REBUILD}"
    for note in right:
        if note not in own:
            yield f"table {wanted.title!r}: the note {note!r} is missing; {REBUILD}"


def _text(cell: Cell) -> str:
    text = cell.text + cell.tail
    return f"**{text}**" if cell.bold else f"<u>{text}</u>" if cell.underline else text


def _different_line(text: str, expected: str) -> str:
    for number, (own, wanted) in enumerate(zip_longest(text.splitlines(), expected.splitlines(), fillvalue=""), 1):
        if own != wanted:
            at = next(
                (i for i, (a, b) in enumerate(zip(own, wanted, strict=False)) if a != b), min(len(own), len(wanted))
            )
            start = max(at - 20, 0)
            return (
                f"line {number} reads {own[start : at + 60]!r}, the records give {wanted[start : at + 60]!r}; {REBUILD}"
            )
    return f"it differs from the records in the ends of its lines; {REBUILD}"
