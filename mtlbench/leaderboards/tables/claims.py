"""What a table says in words of its marks: what they compare, what they need, and why there may be none."""

import math
from collections.abc import Iterable, Sequence

from mtlbench.leaderboards.boards.board import MARKS, BaselineUse, Board, SeedMean
from mtlbench.leaderboards.boards.columns import in_words, metric_of
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.statistics import ALPHA, seeds_needed, smallest_p

SAME = "="
"""In place of a difference that is 0 in every seed."""


def difference_text(value: SeedMean) -> tuple[str, str] | None:
    """The difference to the row's own baseline, and half its intervals over seeds and over test samples.

    ``+0.0012``, ``(5)[9]``: ± 0.0005 over seeds, ± 0.0009 over test samples; ``=`` where every seed is the same to the
    last digit. ``None`` where there is none.
    """
    contrast = value.first
    if contrast is None:
        return None
    estimate = contrast.difference.estimate
    if estimate.low == estimate.high == 0:
        return SAME, ""
    scale = 10**value.decimals
    text = f"{estimate.value:+z.{value.decimals}f}".replace("-", MINUS)
    seeds = "" if math.isnan(estimate.half_width) else f"({round(estimate.half_width * scale)})"
    if contrast.sampling is None:
        return text, seeds
    return text, f"{seeds}[{round(contrast.sampling.half_width * scale)}]"


def difference_head(boards: Iterable[Board]) -> str:
    """What the column of differences is called; empty where no row is compared with a first baseline."""
    names = {use.baseline for board in boards for use in board.baselines if use.place == 0 and use.comparable}
    return "" if not names else f"vs {names.pop()}" if len(names) == 1 else "vs baseline"


def claims(group: Sequence[Board]) -> list[str]:
    """The differences, each baseline with its marks, what a mark needs, and backbones without any baseline."""
    uses = list(dict.fromkeys(use for board in group for use in board.baselines))
    tested = [board for board in group if board.tested]
    able = [board for board in tested if smallest_p(len(board.seeds)) < ALPHA]
    texts = []
    if head := difference_head(group):
        texts.append(_differences(head, tested, [use.baseline for use in uses if use.tuned and use.comparable]))
    if able:
        texts.append(" ".join([*(f"{text}." for text in marks_of(uses).values()), _needs(able)]))
    if unable := [board for board in tested if board not in able]:
        texts.append(_too_few({len(board.seeds) for board in unable}))
    for baseline in dict.fromkeys(use.baseline for use in uses if use.baseline and not use.comparable):
        absent = [use.backbone for use in uses if use.baseline == baseline and not use.comparable]
        texts.append(f"Not compared with {baseline}, which lacks seeds there: {', '.join(sorted(set(absent)))}.")
    if alone := [use.backbone for use in uses if not use.baseline]:
        texts.append(f"No marks where the backbone has no baseline row: {', '.join(dict.fromkeys(alone))}.")
    return texts


def _differences(head: str, tested: Sequence[Board], tuned: Sequence[str]) -> str:
    text = (
        f"{head}: the mean difference to that row on the same backbone{_tuned_alike(tuned)}, seed by seed. In "
        "parentheses half its 95 % interval over seeds"
    )
    contrasts = [contrast for board in tested for contrast in board.tested]
    known = [contrast for contrast in contrasts if contrast.sampling is not None]
    units = sorted({row.unit for board in tested for row in board.rows if row.unit and row.sampling})
    if known:
        text += f", in brackets over test samples drawn by {' or '.join(units)}"
    if any(contrast.difference.estimate.low == contrast.difference.estimate.high == 0 for contrast in contrasts):
        text += f"; {SAME} is the same to the last digit in every seed"
    if len(known) == len(contrasts):
        return f"{text}."
    if not known and (held := {row.unit for board in tested for row in board.rows if row.unit}):
        return f"{text}. These records tell no error over test samples, as where the test split is one {min(held)}."
    some = "some of these records" if known else "these records"
    return f"{text}. The error over test samples is not known where an earlier version made the record, as {some}."


def _tuned_alike(tuned: Sequence[str]) -> str:
    """What tuned rows are compared with, where there are any."""
    names = [*dict.fromkeys(tuned)]
    if len(names) > 1:
        return f", of tuned rows to that of {in_words(names)} which was tuned alike (of these themselves to that row)"
    return f", of tuned rows to {names[0]}, which was tuned alike (of {names[0]} itself to that row)" if names else ""


def marks_of(uses: Sequence[BaselineUse]) -> dict[int, str]:
    """The marks of each place in words, such as ``* better and ° worse than Constant``; tuned baselines share one."""
    return {
        place: f"{MARKS[place][0]} better and {MARKS[place][1]} worse than {baseline_at(uses, place)}"
        for place in sorted({use.place for use in uses if use.comparable})
    }


def baseline_at(uses: Sequence[BaselineUse], place: int) -> str:
    """What the baseline of a place is called; each tuned row has one of several tuned ones."""
    own = [use for use in uses if use.place == place and use.comparable]
    names = dict.fromkeys(use.baseline for use in own)
    alike = ", whichever was tuned alike" if len(names) > 1 and all(use.tuned for use in own) else ""
    return " or ".join(names) + alike


def _needs(able: Sequence[Board]) -> str:
    """What a mark needs, on boards whose seeds can give one."""
    metrics = in_words([*dict.fromkeys(metric_of(column).label for board in able for column in board.primaries)])
    text = (
        f"Marks are claims over the whole table, in {metrics} alone: p < .05 by sign flips of "
        f"{_numbers(len(board.seeds) for board in able)} paired seeds (step-down max-T), over all "
        f"{_numbers(len(board.tested) for board in able)} comparisons together"
    )
    known = {contrast.sampling is not None for board in able for contrast in board.tested}
    if known == {True}:
        return f"{text}, and an interval over test samples without 0."
    if True in known:
        return f"{text}, and an interval over test samples, where there is one, without 0."
    return f"{text}. They rest on seeds alone: another test sample might give others."


def _too_few(seeds: set[int]) -> str:
    smallest = " or ".join(f"{smallest_p(count):.3g}" for count in sorted(seeds))
    return (
        f"No marks from {_numbers(seeds)} paired seed{'' if seeds == {1} else 's'}: the smallest p-value of sign flips "
        f"is {smallest}; p < .05 takes {seeds_needed()} seeds."
    )


def _numbers(values: Iterable[int]) -> str:
    return " or ".join(f"{value:,}" for value in sorted(set(values)))
