"""The tables of the page over logs: ranks and gains over logs, gains on each board, and what was compared."""

from collections.abc import Sequence

from mtlbench.leaderboards.boards.board import MARKS, MISSING
from mtlbench.leaderboards.boards.board_gains import BoardGains
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.boards.gains import DIGITS, Gain
from mtlbench.leaderboards.boards.over_logs import OverLogs, Standing
from mtlbench.leaderboards.tables.answer import baseline_name, logs_of, tuned_how
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell, interval_text
from mtlbench.statistics import seeds_needed

GAIN = "Δm %"
BETTER, WORSE = MARKS[0]


def over_logs_tables(found: Sequence[OverLogs]) -> list[Table]:
    """The tables of all ways of tuning, and of the boards behind them."""
    return [table for one in found for table in (_standings(one), _gains(one))] + [compared_table(found)]


def _standings(found: OverLogs) -> Table:
    heads = [Head("", name) for name in ("Rank", "Best", GAIN, "Better", "Worse", "Steps", "Seconds")]
    lines = tuple(Line((TableCell(one.name),), _standing_cells(found, one)) for one in found.standings)
    return Table(
        f"Over logs: weightings {tuned_how(found)}", _standings_caption(found), ("Weighting",), tuple(heads), lines
    )


def _standing_cells(found: OverLogs, one: Standing) -> tuple[TableCell, ...]:
    of = len(found.blocks)
    told = [sum(one.spec in board.told(verdict) for board in found.blocks) for verdict in ("better", "worse")]
    rank = TableCell(f"{one.rank:.2f}", bold=one.rank == found.standings[0].rank)
    if one.spec == found.baseline:
        return (rank, TableCell(f"{one.best:.2f}"), *[TableCell(MISSING, quiet=True)] * 5)
    mark = {"better": BETTER, "worse": WORSE}.get(one.verdict or "", "")
    text, aside = interval_text(one.gain.value, one.gain.half_width, DIGITS)
    return (
        rank,
        TableCell(f"{one.best:.2f}"),
        TableCell(text, aside, marks=mark),
        *(TableCell(f"{count} of {of}") for count in told),
        TableCell(f"{one.steps:.1f}"),
        TableCell(f"{one.seconds:.1f}"),
    )


def _standings_caption(found: OverLogs) -> tuple[str, ...]:
    base = baseline_name(found)
    named = in_words([found.called(board) for board in found.blocks])
    ranks = (
        f"Rank: the mean over {logs_of(found)}, {named}; 1 is the best. A log ranks what weightings gain in Δm, mean over "
        "its backbones and seeds, and gains that print alike rank alike."
    )
    if found.friedman is None:
        ranks += " No test of ranks: Friedman's test takes two logs or more, and two weightings that all of them have."
    else:
        ranks += (
            f" Friedman's test by permutation, whose blocks are the logs: p = {found.friedman.p:.2g}. Nemenyi's critical "
            f"difference at .05: {found.critical_difference:.2f}; closer mean ranks cannot be told apart."
        )
    best = (
        "Best: the probability to have the best mean rank, by a bootstrap of the logs and of their paired seeds. It is no "
        "test, and with few logs or seeds it is too sure."
    )
    gain = (
        f"{GAIN}: the mean relative gain over {base} on the same backbone in the primary metric of each task, in percent, "
        "mean over logs; in parentheses half its 95 % interval over logs, in units of the last digit. "
    )
    needed = seeds_needed()
    if len(found.blocks) < needed:
        gain += f"No marks: sign flips of logs reach p < .05 with {needed} logs or more."
    else:
        gain += (
            f"{BETTER} better and {WORSE} worse than {base}: p < .05 by sign flips of logs (step-down max-T), all "
            "weightings of this table together."
        )
    counts = (
        "Better, Worse: on how many of these logs it is told apart (the marks of the next table). Steps, Seconds: times "
        f"those of {base}, of all stages and searches; geometric mean over logs."
    )
    return tuple([ranks, best, gain, counts, *_exceptions(found)])


def _exceptions(found: OverLogs) -> list[str]:
    """What is not ranked, and what is not quite the same on all logs."""
    texts = []
    if found.left_out:
        texts.append(f"Not ranked, because not every one of these logs has them: {', '.join(found.left_out)}.")
    if logs := found.logs_left_out:
        names = in_words([found.called(board) for board in logs])
        texts.append(f"Not ranked, because they have too few weightings in common with the others: {names}.")
    if found.differing:
        by_parameters: dict[str, list[str]] = {}
        for name, parameters in found.differing.items():
            by_parameters.setdefault(in_words(parameters), []).append(name)
        which = "; ".join(f"{parameters} of {in_words(names)}" for parameters, names in by_parameters.items())
        texts.append(f"A weighting is the same on all logs, but for what the presets of the logs set: {which}.")
    return texts


def _gains(found: OverLogs) -> Table:
    """The heat map in numbers."""
    specs = list(dict.fromkeys([*(one.spec for one in found.standings), *found.names]))
    heads = tuple(Head(board.board.title, board.page) for board in found.boards)
    lines = tuple(
        Line((TableCell(found.names[spec]),), tuple(_gain_cell(board.gains.get(spec)) for board in found.boards))
        for spec in specs
        if spec != found.baseline
    )
    title = f"Gain on each board: weightings {tuned_how(found)}"
    return Table(title, _gains_caption(found), ("Weighting",), heads, lines, details=_details(found, specs))


def _gain_cell(gain: Gain | None) -> TableCell:
    if gain is None:
        return TableCell(MISSING, quiet=True)
    mark = {"better": BETTER, "worse": WORSE}.get(gain.verdict or "", "")
    text, aside = interval_text(gain.estimate.value, gain.estimate.half_width, DIGITS)
    sampling = "" if gain.sampling is None else f"[{round(gain.sampling.half_width * 10**DIGITS)}]"
    return TableCell(text, aside + sampling, marks=mark)


def _gains_caption(found: OverLogs) -> tuple[str, ...]:
    base = baseline_name(found)
    tested = [board for board in found.boards if any(gain.verdict for gain in board.gains.values())]
    text = f"{GAIN} over {base}, mean over backbones and seeds. In parentheses half its 95 % interval over seeds"
    if any(gain.sampling for board in found.boards for gain in board.gains.values()):
        text += ", in brackets over test samples"
    texts = [f"{text}, in units of the last digit."]
    if tested:
        comparisons = sum(len(board.rivals) for board in tested)
        marks = (
            f"{BETTER} better and {WORSE} worse than {base}: claims over this page. p < .05 by sign flips of whole seeds "
            f"(step-down max-T on each board, {comparisons:,} comparisons here), times the {found.families} boards of the "
            "page that have enough seeds for a claim"
        )
        known = {gain.sampling is not None for board in tested for gain in board.rivals.values()}
        if known == {True}:
            texts.append(f"{marks}, and an interval over test samples without 0.")
        else:
            texts.append(
                f"{marks}. Where a record does not know the error over test samples, a mark rests on seeds alone."
            )
    if untested := [found.called(board) for board in found.boards if board not in tested]:
        texts.append(f"No marks on {in_words(untested)}: too few paired seeds for p < .05.")
    return tuple(texts)


def _details(found: OverLogs, specs: Sequence[str]) -> Table:
    parts = ("Rank", "Best", "Steps", "Seconds")
    heads = tuple(Head(found.called(board), part) for board in found.boards for part in parts)
    lines = tuple(
        Line((TableCell(found.names[spec]),), tuple(cell for board in found.boards for cell in _on_board(board, spec)))
        for spec in specs
    )
    caption = (
        "Rank: by the gain, among the weightings of the board. Best: the probability of the largest gain, by a bootstrap of "
        "its paired seeds. Steps, Seconds: times those of constant weights. Backbones are no blocks, so there is no test "
        "of ranks on one log."
    )
    return Table(
        f"Rank and cost on each board: weightings {tuned_how(found)}", (caption,), ("Weighting",), heads, lines
    )


def _on_board(board: BoardGains, spec: str) -> list[TableCell]:
    if spec not in board.gains:
        return [TableCell(MISSING, quiet=True)] * 4
    gain = board.gains[spec]
    texts = f"{board.ranks[spec]:.1f}", f"{board.best[spec]:.2f}", f"{gain.steps:.1f}", f"{gain.seconds:.1f}"
    return [TableCell(text) for text in texts]


def compared_table(found: Sequence[OverLogs]) -> Table:
    """Of each board what it is made of, and whether it stands for its log."""
    heads = ("Tuned", "Tasks", "Preset", "Seeds", "Weightings", "Backbones", "Ranks its log")
    lines = tuple(
        Line((TableCell(f"{board.board.title} ({board.page})"),), _compared(one, board))
        for one in found
        for board in one.boards
    )
    caption = (
        "A log ranks once, by the board with the most paired seeds, of equals by that with the most weightings. Boards "
        "that differ in their tasks or conditions alone are of one log. Generated logs under other seeds are other logs. "
        "Backbones are those that all ranked weightings of the board have; its page has the others."
    )
    return Table("What was compared", (caption,), ("Board",), tuple(Head("", head) for head in heads), lines)


def _compared(found: OverLogs, board: BoardGains) -> tuple[TableCell, ...]:
    trials = str(board.tuning["trials"]) if board.tuning else "no"
    texts = (
        f"{trials} trials" if board.tuning else trials,
        str(len(board.board.sample.dataset.tasks)),
        str(board.board.settings.get("preset") or MISSING),
        str(len(board.board.seeds)),
        str(len(board.gains)),
        ", ".join(board.backbones),
        "yes" if board in found.blocks else "no",
    )
    return tuple(map(TableCell, texts))
