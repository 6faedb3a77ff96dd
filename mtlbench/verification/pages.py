"""Whether a leaderboard page is what its records give, and which cell or line differs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards import BoardScores, Page, parse_page
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.leaderboards.boards.grouping import board_key
from mtlbench.leaderboards.boards.naming import canonical, key_of
from mtlbench.leaderboards.boards.scores import MethodScores
from mtlbench.leaderboards.formats.page import REBUILD, unsealed
from mtlbench.leaderboards.publishing import rebuilt
from mtlbench.records import Record
from mtlbench.verification.findings import Finding, different_lines
from mtlbench.verification.folders import Collection, Stored
from mtlbench.verification.material import Material

MOST = 20
"""Differences that are listed; a page that differs in more is out of date rather than edited."""


def page_findings(collection: Collection, material: Material) -> list[Finding]:
    """What differs between the page and one built from the records, with the options that the page was built with.

    Scores that differ are named with their cells. Where the scores are the same, the lines that differ are shown.
    """
    path = collection.page
    try:
        text = path.read_text(encoding="utf-8")
        page = parse_page(text, "it")
        expected = rebuilt(material.records, page.options, material.searches)
    except UnicodeDecodeError:
        return [Finding("page", f"it is no UTF-8 text; {REBUILD}", path)]
    except UsageError as error:
        return [Finding("page", str(error), path)]
    if text in (expected, unsealed(expected)):  # pages of older versions have no checksum
        return []
    found = list(_different_scores(collection, page, parse_page(expected, "it"), material.rows))
    if not found:
        return [_different_lines(path, text, expected)]
    more = f"and {len(found) - MOST} further differences; {REBUILD}"
    return found if len(found) <= MOST else [*found[:MOST], Finding("page", more, path)]


def _different_scores(collection: Collection, page: Page, wanted: Page, stored: Sequence[Stored]) -> Iterator[Finding]:
    """Scores of single seeds that the page carries otherwise than the records: each names its cell."""
    cells = {_cell_key(one.record): one for one in stored}
    shown = {(board.title, method.method): (board, method) for board in page.boards for method in board.methods}
    for board in wanted.boards:
        for method in board.methods:
            own, old = shown.pop((board.title, method.method), (None, None))
            before = _by_seed(own, old) if own and old else {}
            after = _by_seed(board, method)
            for seed, scores in after.items():
                one = cells[canonical([board.key, key_of(method.backbone, method.weighting), seed])]
                if seed not in before:
                    text = f"{collection.page.name} lacks it, so the page is older than the record; {REBUILD}"
                    yield Finding("page", text, one.path, one.record)
                elif before[seed] != scores:
                    text = (
                        f"{_changes(before[seed], scores, collection.page.name)}: either the record was changed, or "
                        f"the page is out of date; run the cell again, or {REBUILD}"
                    )
                    yield Finding("page", text, one.path, one.record)
            for seed in before.keys() - after.keys():
                text = f"row {method.method}: the page has seed {seed}, of which there is no record; {REBUILD}"
                yield Finding("page", text, collection.page)
    for title, method_name in shown:
        text = f"{title}: the page has a row {method_name}, of which there is no record; {REBUILD}"
        yield Finding("page", text, collection.page)


def _cell_key(record: Record) -> str:
    return canonical([board_key(record), key_of(record.backbone, record.weighting), record.seed])


def _by_seed(board: BoardScores, method: MethodScores) -> dict[int, dict[str, float]]:
    columns = [f"{column[0]} {metric_of(column).label}" for column in board.columns]
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


def _different_lines(path: Path, text: str, expected: str) -> Finding:
    wanted = unsealed(expected) if unsealed(text) == text else expected
    lines = different_lines(text, wanted, path.name)
    if not lines:
        return Finding("page", f"it differs from the records in the ends of its lines; {REBUILD}", path)
    told = f"it does not read as the records give it: it was edited by hand or is out of date; {REBUILD}"
    return Finding("page", told, path, lines=lines)
