"""Is what I ran better than a reference? Boards of the same dataset and protocol, method by method and seed by seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mtlbench.config.parameters import value_text
from mtlbench.leaderboards.boards.columns import Column, decimals_of, metric_of
from mtlbench.leaderboards.boards.naming import apart
from mtlbench.leaderboards.boards.scores import BoardScores, MethodScores
from mtlbench.leaderboards.comparing.baselines import baseline_of, check_baseline
from mtlbench.statistics import ALPHA, Difference, difference_by_seed, holm, unpaired_difference
from mtlbench.text import one_line

Verdict = Literal["better", "worse", "tied", "same", "unknown"]
"""``same``: equal to the last digit on every shared seed. ``unknown``: one seed, so nothing is known of the spread."""

FEWEST_PAIRS = 2
"""Shared seeds below which two methods are compared unpaired."""


@dataclass(frozen=True)
class ColumnComparison:
    """One column of a method: mine minus reference."""

    difference: Difference
    adjusted: float
    """p-value of the t-test, Holm-adjusted over all comparisons of the table; NaN where one side has one seed."""
    verdict: Verdict


@dataclass(frozen=True)
class MethodComparison:
    """A method of mine and the one of the reference that it is compared with."""

    mine: str
    reference: str
    cells: Mapping[Column, ColumnComparison]
    other_code: tuple[str, ...] = ()
    """Kinds of plugin whose code differs between the two."""
    lost: bool = False
    """The reference has scores, and the same method of mine ran and has none."""

    @property
    def verdict(self) -> str:
        """Of all columns: ``better`` or ``worse`` where one is and none the opposite, ``mixed`` where both are."""
        found = {cell.verdict for cell in self.cells.values()}
        if self.lost:
            return "lost"
        if {"better", "worse"} <= found:
            return "mixed"
        return next((name for name in ("better", "worse", "unknown", "tied", "same") if name in found), "no scores")

    @property
    def regressed(self) -> bool:
        """Whether the method got worse in any column."""
        return self.lost or any(cell.verdict == "worse" for cell in self.cells.values())


@dataclass(frozen=True)
class BoardComparison:
    """A board of mine beside the same one of the reference."""

    title: str
    decimals: Mapping[Column, int]
    """The columns that both have, and how many digits behind the point a difference in each has."""
    aligned: tuple[MethodComparison, ...]
    """Methods that both have."""
    new: tuple[MethodComparison, ...]
    """Methods that only mine has, against the reference's baseline on the same backbone, which was tuned alike."""
    without_baseline: tuple[str, ...]
    """Methods that only mine has, and that have no scores, or for whose backbone and way of tuning the reference has no
    baseline with scores."""
    only_reference: tuple[str, ...]
    unshared: tuple[Column, ...] = ()
    """Columns that one of the two has, and that are not compared."""


@dataclass(frozen=True)
class RefusedBoard:
    """A board that must not be compared, and what differs."""

    title: str
    differences: tuple[str, ...]

    @property
    def text(self) -> str:
        """As one sentence."""
        return f"{self.title} was not run under the same protocol: {'; '.join(self.differences)}"


@dataclass(frozen=True)
class Comparison:
    """All boards of mine."""

    boards: tuple[BoardComparison, ...]
    refused: tuple[RefusedBoard, ...]
    absent: tuple[str, ...]
    """Boards whose dataset the reference does not have."""

    @property
    def regressed(self) -> list[str]:
        """The methods that got worse, with their board."""
        return [f"{board.title}: {pair.mine}" for board in self.boards for pair in board.aligned if pair.regressed]


def compare(mine: Sequence[BoardScores], reference: Sequence[BoardScores], baseline: str | None = None) -> Comparison:
    """Compare every board of ``mine`` with the one of ``reference`` that has the same data and conditions.

    A method's scores are compared seed by seed over the seeds that both have: the same seed means the same split,
    batches and initial weights on either side. With fewer than two shared seeds the means are compared as independent.
    The t-test decides (and not the sign flips of the marks, which see nothing with fewer than six seeds), Holm-adjusted
    over all methods and columns of a table: those that both have, and those that only mine has.

    Args:
        mine: the boards in question.
        reference: those to compare with.
        baseline: the reference's weighting, as one types it, that methods without a counterpart are compared with; by
            default the one that declares itself a baseline.

    Raises:
        UsageError: the reference does not have the baseline.
    """
    check_baseline(reference, baseline)
    by_key = {board.key: board for board in reference}
    boards, refused, absent = [], [], []
    for board in mine:
        rivals = [other for other in reference if other.dataset.name == board.dataset.name]
        if board.key in by_key:
            boards.append(_compare_boards(board, by_key[board.key], baseline))
        elif rivals:
            nearest = min((_differences(board, other) for other in rivals), key=len)
            refused.append(RefusedBoard(board.title, tuple(nearest)))
        else:
            absent.append(board.title)
    return Comparison(tuple(boards), tuple(refused), tuple(absent))


def _differences(mine: BoardScores, other: BoardScores) -> list[str]:
    """What the conditions differ in, such as ``epochs is 10 here and 20 in the reference``."""
    sides = [
        {**board.conditions, **board.dataset.params, "data fingerprint": board.fingerprint[:12]}
        for board in (mine, other)
    ]
    own, theirs = apart(sides)
    return [
        f"{name.replace('_', ' ')} is {one_line(value_text(own.get(name)))} here and "
        f"{one_line(value_text(theirs.get(name)))} in the reference"
        for name in dict.fromkeys([*own, *theirs])
    ]


def _compare_boards(mine: BoardScores, reference: BoardScores, baseline: str | None) -> BoardComparison:
    columns = tuple(column for column in mine.columns if column in reference.columns)
    theirs = {method.key: method for method in reference.methods}
    aligned, new, alone = [], [], []
    for method in mine.methods:
        counterpart = theirs.pop(method.key, None)
        if counterpart is not None:
            aligned.append(_pair(method, mine, counterpart, reference, columns))
        elif method.seeds and (base := baseline_of(method, reference, baseline)):
            new.append(_pair(method, mine, base, reference, columns))
        else:
            alone.append(method.method)
    return BoardComparison(
        title=mine.title,
        decimals={column: decimals_of(column, mine.all_of(column) + reference.all_of(column)) for column in columns},
        aligned=tuple(_judged(aligned)),
        new=tuple(_judged(new)),
        without_baseline=tuple(alone),
        only_reference=tuple(method.method for method in theirs.values()),
        unshared=tuple(one for one in dict.fromkeys([*mine.columns, *reference.columns]) if one not in columns),
    )


def _pair(
    mine: MethodScores, board: BoardScores, other: MethodScores, reference: BoardScores, columns: Iterable[Column]
) -> MethodComparison:
    """The two methods with their differences, not judged yet."""
    cells = {}
    for column in columns:
        own, theirs = board.by_seed(mine, column), reference.by_seed(other, column)
        if own and theirs:
            cells[column] = ColumnComparison(_measured(own, theirs), math.nan, "unknown")
    same = mine.key == other.key
    return MethodComparison(
        mine=mine.method,
        reference=other.method,
        cells=cells,
        other_code=_other_code(mine, other) if same else (),
        lost=same and bool(other.seeds) and not mine.seeds,
    )


def _measured(own: Mapping[int, float], theirs: Mapping[int, float]) -> Difference:
    fewest = min(FEWEST_PAIRS, len(own.keys() | theirs.keys()))
    paired = difference_by_seed(own, theirs, fewest)
    return paired or unpaired_difference(list(own.values()), list(theirs.values()))


def _other_code(mine: MethodScores, other: MethodScores) -> tuple[str, ...]:
    uses = {"backbone": (mine.backbone, other.backbone), "weighting": (mine.weighting, other.weighting)}
    return tuple(kind for kind, (own, theirs) in uses.items() if own.source != theirs.source)


def _judged(pairs: Sequence[MethodComparison]) -> list[MethodComparison]:
    """The pairs with their verdicts, adjusted over all of them."""
    places = [(i, column) for i, pair in enumerate(pairs) for column in pair.cells]
    adjusted = holm([pairs[i].cells[column].difference.p for i, column in places]).tolist()
    cells: list[dict[Column, ColumnComparison]] = [{} for _ in pairs]
    for (i, column), p in zip(places, adjusted, strict=True):
        difference = pairs[i].cells[column].difference
        cells[i][column] = ColumnComparison(difference, p, _verdict(difference, p, column))
    return [replace(pair, cells=own) for pair, own in zip(pairs, cells, strict=True)]


def _verdict(difference: Difference, adjusted: float, column: Column) -> Verdict:
    width = difference.estimate.half_width
    if difference.paired and difference.estimate.value == 0 and (width == 0 or math.isnan(width)):
        return "same"
    if math.isnan(adjusted):
        return "unknown"
    if adjusted >= ALPHA:
        return "tied"
    return "better" if (difference.estimate.value > 0) != metric_of(column).lower_is_better else "worse"
