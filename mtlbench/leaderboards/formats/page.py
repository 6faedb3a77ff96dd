"""A page of Markdown read back: the scores of every seed, and whether what it shows was edited by hand."""

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.aggregation import measured
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.leaderboards.boards.scores import BoardScores, from_json
from mtlbench.leaderboards.formats.markdown import DATA_END, DATA_START, HEADER, SEAL, escape, sealed
from mtlbench.leaderboards.tables.captions import SUPERSCRIPTS
from mtlbench.leaderboards.tables.lines import EQUAL

MADE = re.compile("(?P<options>.*)".join(map(re.escape, HEADER.split("{}"))))
MEAN = re.compile(r"(?<=[ *>])-?\d+\.\d{4}(?:\(\d+\))?(?![\d.])")
METHODS_ACROSS = re.compile(r"^\| Dataset +\| Task +\| Metric +\|", re.MULTILINE)
REBUILD = "build it anew with `mtlbench leaderboard build`"


@dataclass(frozen=True)
class Page:
    """A leaderboard page."""

    boards: tuple[BoardScores, ...]
    options: tuple[str, ...] = ()
    """Of ``mtlbench leaderboard build``, as they were typed."""


def read_page(path: Path) -> Page:
    """The leaderboard page in the file ``path``.

    Raises:
        UsageError: it cannot be read, is no leaderboard page, carries no scores, or was edited by hand.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"cannot read the leaderboard {path}: {reason}; check the path") from error
    page = parse_page(text, str(path))
    if not page.boards:
        raise UsageError(f"the leaderboard {path} carries no scores of seeds; {REBUILD}")
    edit = next(edits(text, page), None)
    if edit:
        raise UsageError(f"{path} was edited by hand: {edit}; {REBUILD}")
    return page


def parse_page(text: str, origin: str) -> Page:
    """The page that ``text`` from ``origin`` is, whatever it shows.

    Raises:
        UsageError: it is no leaderboard page, or its scores are damaged.
    """
    made = MADE.match(text)
    if made is None:
        raise UsageError(f"{origin} is no leaderboard page: it does not start with {HEADER.format('')}; {REBUILD}")
    _, start, data = text.partition(DATA_START)
    boards = from_json(data.partition(DATA_END)[0], origin) if start else ()
    try:
        return Page(boards, tuple(shlex.split(made["options"])))
    except ValueError as error:
        raise UsageError(f"the first line of {origin} is damaged: {error}; {REBUILD}") from error


def unsealed(text: str) -> str:
    """The page without its checksum, as versions before there was one wrote it."""
    body, seal, _ = text.rpartition(SEAL)
    return body if seal else text


def edits(text: str, page: Page) -> Iterator[str]:
    """What of a page was edited by hand, as clauses.

    Each mean over seeds that the page carries must stand in its method's row; one that does not is named with its line.
    Of everything else on the page there is the checksum, which pages of older versions lack.
    """
    above = text.partition(DATA_START)[0]
    shown, carried = _shown_means(above), _carried_means(page)
    if METHODS_ACROSS.search(above):  # a row is of a task and a metric, and all rows are looked at together
        shown = {"": [found for row in shown.values() for found in row]}
        carried = {"": sum(carried.values(), Counter())}
    for label, means in carried.items():
        own = shown[label]
        absent = means - Counter(mean for _, mean in own)
        others = Counter(mean for _, mean in own) - means
        for mean in absent:
            instead = next((f"line {line} shows {other}" for line, other in own if other in others), "a row is missing")
            yield f"{instead}, where the seeds of {label or 'a method'} have the mean {mean}"
    if SEAL in text and text != sealed(unsealed(text)):
        yield "it is not what was written, by the checksum at its end"


def _shown_means(text: str) -> dict[str, list[tuple[int, str]]]:
    """The means in the rows of each label, as they are printed, with the numbers of their lines."""
    rows: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, line in enumerate(text.split("\n"), start=1):
        label, _, values = line.removeprefix("| ").partition(" |")
        if values:
            name = label.partition("<br>")[0].rstrip()
            for method in dict.fromkeys([name, *name.split(EQUAL)]):  # equal rows share a line
                rows[_unmarked(method)] += [(number, mean) for mean in MEAN.findall(values)]
    return rows


def _carried_means(page: Page) -> dict[str, Counter[str]]:
    """The same, as the scores give them."""
    means: dict[str, Counter[str]] = defaultdict(Counter)
    for board in page.boards:
        for method in board.methods:
            values = [
                measured(scores)
                for scores, column in zip(method.scores, board.columns, strict=True)
                if scores and not metric_of(column).in_unit  # of any number of digits: they have the checksum alone
            ]
            means[_unmarked(escape(method.method))].update(value.text + value.spread for value in values)
    return means


def _unmarked(label: str) -> str:
    """A method's name without the number of its note."""
    return label.rstrip(SUPERSCRIPTS)
