"""What boards show, in a sentence or two: what beats the baseline, by how much, how sure that is, what was cut off."""

import math
from collections.abc import Iterator, Sequence

from mtlbench.leaderboards.boards.board import Board, Contrast, Row, SeedMean, Significance
from mtlbench.leaderboards.boards.columns import Column, in_words, metric_of
from mtlbench.leaderboards.boards.contrasts import ALONE
from mtlbench.leaderboards.tables.claims import baseline_at
from mtlbench.leaderboards.tables.phrases import unique, verb
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.statistics import ALPHA, seeds_needed, smallest_p
from mtlbench.text import counted, one_line

MOST_NAMED = 2
"""Methods that a sentence names; the table marks them all."""

Claim = tuple[Row, dict[Column, Contrast]]
"""A row, and the columns in which it is told apart from a baseline."""


def verdicts(boards: Sequence[Board]) -> list[str]:
    """:func:`verdict` of each board, behind its title where there are several."""
    return [one_line(f"{board.title}: {verdict(board)}" if len(boards) > 1 else verdict(board)) for board in boards]


def verdict(board: Board) -> str:
    """What ``board`` shows, in sentences that claim what its tests allow and no more.

    They name what is better and what is worse than each baseline, with the difference, half its 95 % interval over
    seeds, and the test behind it. Else they say that nothing is told apart, or why nothing was tested.

    Args:
        board: with its contrasts, as tables carry it.
    """
    return " ".join([*_comparisons(board), *_cut_off(board)])


def _comparisons(board: Board) -> Iterator[str]:
    seeds = counted(len(board.seeds), "paired seed")
    if not board.tested:
        yield _untested(board)
    elif smallest_p(len(board.seeds)) >= ALPHA:
        yield f"{seeds} cannot show a difference to the baseline, whatever it is: p < .05 takes {seeds_needed()} seeds."
    else:
        for place in sorted({contrast.place for contrast in board.tested}):
            yield from _against(board, place)
        claimed = [contrast for contrast in board.tested if contrast.verdict != "not told apart"]
        yield _certainty(board, claimed or board.tested, bool(claimed), seeds)


def _untested(board: Board) -> str:
    incomplete = dict.fromkeys(use.baseline for use in board.baselines if use.baseline and not use.comparable)
    if not any(row.seeds for row in board.rows):
        return "No cell has scores."
    if incomplete:
        return f"Nothing is compared: {in_words([*incomplete])} lacks seeds."
    if any(not use.baseline for use in board.baselines):
        return "Nothing is compared: no row is a baseline, such as constant weights."
    if any(ALONE in row.remarks for row in board.rows):
        return "Nothing is compared: no baseline was tuned as the methods were."
    return "Nothing is compared: no method beside the baseline has every seed."


def _against(board: Board, place: int) -> Iterator[str]:
    """What is better and what is worse than the baseline of one place."""
    baseline = baseline_at(board.baselines, place)
    better, worse = (_claimed(board, place, sign) for sign in ("better", "worse"))
    if better:
        yield f"{_listed(board, better, 'beats', 'beat', baseline)}."
    if worse:
        yield f"{_listed(board, worse, 'is worse than', 'are worse than', baseline)}."
    if not better and not worse:
        yield f"{_compared(board, place)} told apart from {baseline}."


def _compared(board: Board, place: int) -> str:
    """What is not told apart from the baseline of one place; where some rows were tuned, which methods it speaks of."""
    tuned = [use for use in board.baselines if use.tuned]
    if not tuned:
        return "No method is"
    methods = [
        row
        for row in board.rows
        if row.sample and not row.sample.tuned_baseline
        if any(one.place == place and one.verdict for value in row.values.values() for one in value.contrasts)
    ]
    if not methods:
        names = unique(use.baseline for use in tuned)
        return f"{in_words(names)} {verb(names, 'is', 'are')} not"
    return "No tuned method is" if any(use.place == place for use in tuned) else "No method at its defaults is"


def _claimed(board: Board, place: int, sign: Significance) -> list[Claim]:
    """The rows of which a claim can be made, the best rank first."""
    found = []
    for row in board.rows:
        values = {column: row.values[column] for column in board.primaries if column in row.values}
        claims = {column: contrast for column, value in values.items() if (contrast := _of(value, place, sign))}
        if claims:
            found.append((row, claims))
    return sorted(found, key=lambda claim: math.inf if claim[0].rank is None else claim[0].rank)


def _of(value: SeedMean, place: int, sign: Significance) -> Contrast | None:
    return next((one for one in value.contrasts if one.place == place and one.verdict == sign), None)


def _listed(board: Board, claims: Sequence[Claim], one: str, several: str, baseline: str) -> str:
    if len(claims) == 1:
        [(row, columns)] = claims
        return f"{row.method} {one} {baseline} {_where(board, row, columns)}"
    named = [f"{row.method} {_where(board, row, columns)}" for row, columns in claims[:MOST_NAMED]]
    rest = len(claims) - len(named)
    named += [f"{rest} more, which the table marks"] if rest else []
    return f"{len(claims)} methods {several} {baseline}: {'; '.join(named)}"


def _where(board: Board, row: Row, columns: dict[Column, Contrast]) -> str:
    """``in click (AUC +0.0011 ± 0.0004)``, with how much more training that took."""
    texts = [f"{column[0]} ({_amount(column, row.values[column], found)})" for column, found in columns.items()]
    baseline = next(iter(columns.values())).baseline
    steps = next((one.spend.steps for one in board.rows if one.method == baseline and one.spend), 0)
    where = f"in {in_words(texts)}"
    if "more spend" in row.flags and row.spend and steps:
        return f"{where} with {row.spend.steps / steps:.1f} times the steps"
    return where


def _amount(column: Column, value: SeedMean, contrast: Contrast) -> str:
    estimate = contrast.difference.estimate
    difference = f"{estimate.value:+z.{value.decimals}f}".replace("-", MINUS)
    return f"{metric_of(column).label} {difference} ± {estimate.half_width:.{value.decimals}f}"


def _certainty(board: Board, contrasts: Sequence[Contrast], claimed: bool, seeds: str) -> str:
    """The test behind the claims, or behind their absence."""
    have, interval = ("Each of these has", " (± is its 95 % interval)") if claimed else ("None has", "")
    text = f"{have} p < .05 over {seeds}{interval}, all {len(board.tested):,} comparisons taken together"
    if all(contrast.sampling is not None for contrast in contrasts):
        return f"{text}, and a 95 % interval over test samples without 0."
    return f"{text}; another test sample might give another result."


def _cut_off(board: Board) -> Iterator[str]:
    """What might have gone on."""
    trained = [row for row in board.rows if row.seeds]
    cut = [row.method for row in trained if "cut off" in row.flags]
    if not cut:
        return
    limit = counted(board.settings.get("epochs"), "epoch")
    most = 2 * len(cut) > len(trained)
    named = in_words([*cut[:MOST_NAMED], *([f"{len(cut) - MOST_NAMED} more"] if len(cut) > MOST_NAMED else [])])
    who = "Every method" if len(cut) == len(trained) else f"{len(cut)} of {len(trained)} methods" if most else named
    be = "was" if len(cut) in {1, len(trained)} else "were"
    end = "differences are of speed, not of the result" if most else "more epochs may give more"
    yield f"{who} {be} cut off at the limit of {limit}: {end}."
