"""The tables of the page over logs: ranks and gains over logs, gains on each board, and what was compared."""

from collections.abc import Sequence

from mtlbench.leaderboards.boards.board import MARKS, MISSING, mark_of
from mtlbench.leaderboards.boards.board_gains import BoardGains
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.boards.gains import DIGITS, Gain
from mtlbench.leaderboards.boards.log_standings import Standing
from mtlbench.leaderboards.boards.over_logs import OverLogs
from mtlbench.leaderboards.tables.claims import SAME
from mtlbench.leaderboards.tables.phrases import baseline_name, logs_of, tuned_how
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell, interval_text
from mtlbench.records.tuned import TRIALS
from mtlbench.statistics import seeds_needed

GAIN = "Δm %"
BETTER, WORSE = MARKS[0]


def over_logs_tables(found: OverLogs) -> list[Table]:
    """The tables of the weightings that were tuned alike: over logs, and on each board."""
    return [_standings(found), _gains(found)]


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
    text, aside = interval_text(one.gain.value, one.gain.half_width, DIGITS)
    return (
        rank,
        TableCell(f"{one.best:.2f}"),
        TableCell(text, aside, marks=mark_of(one.verdict)),
        *(TableCell(f"{count} of {of}") for count in told),
        TableCell(f"{one.steps:.1f}"),
        TableCell(f"{one.seconds:.1f}"),
    )


def _standings_caption(found: OverLogs) -> tuple[str, ...]:
    base = baseline_name(found)
    named = in_words([found.called(board) for board in found.blocks])
    texts = [
        f"Rank: the mean over {logs_of(found)}, {named}; 1 is the best. A log ranks what weightings gain in Δm, mean "
        f"over its backbones and seeds; gains that print alike rank alike. {_ranks_test(found)}",
        "Best: the probability to have the best mean rank, by a bootstrap of the logs and of their paired seeds. It is "
        "no test, and with few logs or seeds it is too sure.",
        f"{GAIN}: the mean relative gain over {base} on the same backbone in the primary metric of each task, in "
        "percent, mean over logs. In parentheses half its 95 % interval over logs, in units of the last digit. "
        f"{_gain_test(found)}",
        "Better, Worse: on how many of these logs it is told apart (the marks of the next table). Steps, Seconds: "
        f"times those of {base}, of all stages and searches; geometric mean over logs.",
    ]
    return (*texts, *_exceptions(found))


def _ranks_test(found: OverLogs) -> str:
    if found.friedman is None:
        return "No test: Friedman's takes two logs or more, and two weightings that all of them have."
    return (
        f"Friedman's test by permutation, whose blocks are the logs: p = {found.friedman.p:.2g}. Nemenyi's critical "
        f"difference at .05: {found.critical_difference:.2f}; closer mean ranks cannot be told apart."
    )


def _gain_test(found: OverLogs) -> str:
    if not any(one.verdict for one in found.rivals):
        return f"No marks: sign flips of logs reach p < .05 with {seeds_needed()} logs or more."
    return (
        f"{BETTER} better and {WORSE} worse than {baseline_name(found)}: p < .05 by sign flips of logs (step-down "
        "max-T), all weightings of this table together."
    )


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
    heads = tuple(Head(board.board.title, board.page) for board in found.boards)
    lines = tuple(
        Line((TableCell(found.names[spec]),), tuple(gain_cell(board.gains.get(spec)) for board in found.boards))
        for spec in found.specs
    )
    title = f"Gain on each board: weightings {tuned_how(found)}"
    return Table(title, _gains_caption(found), ("Weighting",), heads, lines, details=_details(found))


def gain_cell(gain: Gain | None) -> TableCell:
    """The gain with its intervals and its mark."""
    if gain is None:
        return TableCell(MISSING, quiet=True)
    if not any(gain.seeds):
        return TableCell(SAME)
    text, aside = interval_text(gain.estimate.value, gain.estimate.half_width, DIGITS)
    sampling = "" if gain.sampling is None else f"[{round(gain.sampling.half_width * 10**DIGITS)}]"
    return TableCell(text, aside + sampling, marks=mark_of(gain.verdict))


def _gains_caption(found: OverLogs) -> tuple[str, ...]:
    base = baseline_name(found)
    gains = [gain for board in found.boards for gain in board.rivals.values()]
    text = f"{GAIN} over {base}, mean over backbones and seeds. In parentheses half its 95 % interval over seeds"
    text += ", in brackets over test samples" if any(gain.sampling for gain in gains) else ""
    text += ", in units of the last digit"
    text += (
        f"; {SAME} is the same to the last digit in every seed" if not all(any(gain.seeds) for gain in gains) else ""
    )
    texts = [f"{text}.", *([_marks(found)] if found.tested else [])]
    if untested := [found.called(board) for board in found.boards if not board.tested]:
        texts.append(f"No marks on {in_words(untested)}: too few paired seeds for p < .05.")
    return tuple(texts)


def _marks(found: OverLogs) -> str:
    """What the marks of boards claim, and by which test."""
    gains = [gain for board in found.tested for gain in board.rivals.values()]
    text = (
        f"{BETTER} better and {WORSE} worse than {baseline_name(found)}: claims over this page. p < .05 by sign flips "
        f"of whole seeds: step-down max-T over {found.comparisons:,} comparisons, those of all boards of the page that "
        f"have enough seeds for a claim, {len(gains):,} of them here"
    )
    if all(gain.sampling is not None for gain in gains):
        return f"{text}; and an interval over test samples without 0."
    return f"{text}. Where the records do not know the error over test samples, marks rest on seeds alone."


def _details(found: OverLogs) -> Table:
    """Ranks and cost, a line for each weighting of each board."""
    heads = tuple(Head("", name) for name in ("Rank", "Best", GAIN, "Steps", "Seconds"))
    lines = [
        Line(
            (TableCell(found.called(board)), TableCell(board.names[spec])),
            _on_board(board, spec),
            rule_above=place == 0 and board is not found.boards[0],
        )
        for board in found.boards
        for place, spec in enumerate(board.in_order)
    ]
    caption = (
        "Rank: by the gain, among the weightings of the board. Best: the probability of the largest gain, by a "
        f"bootstrap of its paired seeds, of which it takes {seeds_needed()}. Steps, Seconds: times those of constant "
        "weights. Backbones are no blocks, so there is no test of ranks on one log."
    )
    title = f"Rank and cost on each board: weightings {tuned_how(found)}"
    return Table(title, (caption,), ("Board", "Weighting"), heads, tuple(lines))


def _on_board(board: BoardGains, spec: str) -> tuple[TableCell, ...]:
    gain = board.gains[spec]
    best = TableCell(f"{board.best[spec]:.2f}") if board.testable else TableCell(MISSING, quiet=True)
    return (
        TableCell(f"{board.ranks[spec]:.1f}"),
        best,
        gain_cell(gain),
        TableCell(f"{gain.steps:.1f}"),
        TableCell(f"{gain.seconds:.1f}"),
    )


def compared_table(found: Sequence[OverLogs]) -> Table:
    """Of each board what it is made of, and whether it stands for its log."""
    heads = ("Ranks its log", "Trials", "Tasks", "Preset", "Seeds", "Weightings")
    lines = tuple(
        Line((TableCell(board.board.title, f"{board.page}, on {', '.join(board.backbones)}"),), _compared(one, board))
        for one in found
        for board in one.boards
    )
    caption = (
        "A log ranks once, by the board with the most paired seeds, of equals by that with the most weightings. Boards "
        "that differ in their tasks or conditions alone are of one log. Generated logs under other seeds are other "
        "logs. Backbones are those on which all of these weightings have every seed; the board's page has the others."
    )
    return Table("What was compared", (caption,), ("Board",), tuple(Head("", head) for head in heads), lines)


def _compared(found: OverLogs, board: BoardGains) -> tuple[TableCell, ...]:
    texts = (
        "yes" if board in found.blocks else "no",
        str(board.tuning.get(TRIALS, MISSING)),
        str(len(board.board.sample.dataset.tasks)),
        str(board.board.settings.get("preset") or MISSING),
        str(len(board.board.seeds)),
        str(len(board.gains)),
    )
    return tuple(map(TableCell, texts))
