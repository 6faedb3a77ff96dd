"""Results beside a published table of another protocol: shown, never tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.board import MISSING
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.scores import BoardScores, MethodScores
from mtlbench.leaderboards.comparing.baselines import baseline_of, check_baseline
from mtlbench.leaderboards.comparing.published import Published, published
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell, interval_text
from mtlbench.statistics import difference_by_seed, mean_interval
from mtlbench.text import one_line

SIDES = ("mine", "published")


@dataclass(frozen=True)
class _Beside:
    """A board and the part of a published table that is about its dataset."""

    board: BoardScores
    columns: Mapping[Column, Column]
    """Task and metric of the board -> those of the published table."""
    numbers: Mapping[tuple[str, Column], Published]
    """By method and published column."""
    methods: tuple[str, ...]
    """Published names, in their order."""
    mine: Mapping[str, MethodScores]
    """By comparable name."""


def published_tables(mine: Sequence[BoardScores], name: str, baseline: str | None = None) -> list[Table]:
    """Two tables for each board whose dataset and metrics were published: the scores, and the gains over the baseline.

    Datasets and methods are matched by name, tasks by their place: the first published task stands beside the board's
    first.

    Args:
        mine: the boards.
        name: the published table.
        baseline: the weighting that gains are measured over, as one types it; by default the declared one.

    Raises:
        UsageError: there is no such table, it has none of the datasets and metrics, or no method has the baseline.
    """
    origin, numbers = published(name)
    check_baseline(mine, baseline)
    tables = []
    for board in mine:
        names = _dataset_names(board)
        beside = _beside(board, [number for number in numbers if number.dataset in names])
        if beside.columns:
            tables.append(_scores(beside, name, origin))
            gains = _gains(beside, baseline)
            tables += [gains] if gains else []
    if not tables:
        known = ", ".join(dict.fromkeys(number.dataset for number in numbers))
        raise UsageError(
            f"{name} has none of these datasets and metrics; it has {known}: run one of them with `mtlbench run`"
        )
    return tables


def _dataset_names(board: BoardScores) -> set[str]:
    """The dataset's name, and the name with each of its parameters: a published table may have one per variant."""
    name = board.dataset.name
    return {name, *(f"{name}-{value}".casefold() for value in board.dataset.params.values())}


def _beside(board: BoardScores, numbers: Sequence[Published]) -> _Beside:
    own_tasks, their_tasks = dict.fromkeys(task for task, _ in board.columns), dict.fromkeys(n.task for n in numbers)
    tasks = dict(zip(own_tasks, their_tasks, strict=False))
    found = {(number.method, (number.task, number.metric)): number for number in numbers}
    there = {column for _, column in found}
    columns = {
        (task, metric): (tasks[task], metric)
        for task, metric in board.columns
        if task in tasks and (tasks[task], metric) in there
    }
    methods = tuple(dict.fromkeys(number.method for number in numbers))
    return _Beside(board, columns, found, methods, {_comparable(method.method): method for method in board.methods})


def _comparable(name: str) -> str:
    """Published names differ in capitals, spaces and hyphens alone."""
    return "".join(char for char in name.casefold() if char.isalnum())


def _scores(beside: _Beside, name: str, origin: str) -> Table:
    lines = []
    for method in beside.methods:
        own = beside.mine.get(_comparable(method))
        cells = []
        for column, theirs in beside.columns.items():
            cells += [_mean(own, beside.board, column), _published(beside.numbers.get((method, theirs)))]
        lines.append(Line((TableCell(method),), tuple(cells)))
    places = dict.fromkeys(f"{theirs[0]} stands beside {one_line(own[0])}" for own, theirs in beside.columns.items())
    unmatched = [m.method for key, m in beside.mine.items() if key not in set(map(_comparable, beside.methods))]
    caption = [
        f"Published, other protocol: {origin}. Data preparation, split, tuning and seeds differ, so nothing is tested, "
        "and a difference between the sides is no finding.",
        f"Published {', '.join(places)}. In parentheses half the width of my mean's 95 % interval over seeds, in units "
        "of the last digit. * significant as published.",
    ]
    if unmatched:
        caption.append(f"Not in the published table: {', '.join(map(one_line, unmatched))}.")
    return Table(f"{beside.board.title} beside {name}", tuple(caption), ("Method",), _heads(beside), tuple(lines))


def _gains(beside: _Beside, baseline: str | None) -> Table | None:
    lines = []
    for method in beside.methods:
        own = beside.mine.get(_comparable(method))
        base = baseline_of(own, beside.board, baseline) if own else None
        if own is None or base is None or own.key == base.key:
            continue
        named = next((name for name in beside.methods if _comparable(name) == _comparable(base.method)), None)
        cells = []
        for column, theirs in beside.columns.items():
            sides = [beside.numbers.get((name, theirs)) for name in (method, named or "")]
            cells += [_gain(own, base, beside.board, column), _published_gain(*sides)]
        lines.append(Line((TableCell(method, f"over {base.method}"),), tuple(cells)))
    if not lines:
        return None
    caption = (
        "What each method gains over the baseline of its backbone, on either side: much of what differs between "
        "protocols cancels, so of the two tables look at this one. Mine seed by seed, with half the 95 % interval.",
    )
    return Table(f"{beside.board.title}: gains", caption, ("Method",), _heads(beside), tuple(lines))


def _heads(beside: _Beside) -> tuple[Head, ...]:
    return tuple(Head(f"{column[0]} {metric_of(column).label}", side) for column in beside.columns for side in SIDES)


def _mean(method: MethodScores | None, board: BoardScores, column: Column) -> TableCell:
    values = list(board.by_seed(method, column).values()) if method else []
    if not values:
        return TableCell(MISSING, quiet=True)
    aside = interval_text(0, mean_interval(values).half_width, decimals=4)[1]
    return TableCell(f"{fmean(values):.4f}", aside)


def _published(number: Published | None) -> TableCell:
    if number is None:
        return TableCell(MISSING, quiet=True)
    return TableCell(f"{number.value:.4f}", marks="*" if number.starred else "")


def _gain(method: MethodScores, base: MethodScores, board: BoardScores, column: Column) -> TableCell:
    difference = difference_by_seed(board.by_seed(method, column), board.by_seed(base, column))
    if difference is None:
        return TableCell(MISSING, quiet=True)
    estimate = difference.estimate
    return TableCell(*interval_text(estimate.value, estimate.half_width, decimals=4))


def _published_gain(method: Published | None, base: Published | None) -> TableCell:
    if method is None or base is None:
        return TableCell(MISSING, quiet=True)
    return TableCell(f"{method.value - base.value:+.4f}")
