"""The answer in five sentences: which weighting helps where, at which cost, and how sure that is.

Each is made from the figures of :class:`~mtlbench.leaderboards.boards.over_logs.OverLogs`. It claims something only
where the test behind it does. Else it says that nothing is shown, or why nothing can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mtlbench.leaderboards.boards.board import Significance
from mtlbench.leaderboards.boards.board_gains import BoardGains
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.boards.gains import DIGITS, Gain
from mtlbench.leaderboards.boards.over_logs import FEWEST_LOGS, OverLogs
from mtlbench.leaderboards.boards.relations import MORE
from mtlbench.leaderboards.tables.phrases import baseline_name, logs_of, named, percent, span, tuned_how, unique, verb
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.statistics import ALPHA, seeds_needed
from mtlbench.text import counted

VERDICTS: tuple[Significance, ...] = ("better", "worse")
MOST_PLACES = 3
"""Boards that a sentence names; of more, the tables say which."""


@dataclass(frozen=True)
class Sentence:
    """An answer to one question."""

    question: str
    text: str


@dataclass(frozen=True)
class _Shown:
    """A weighting that is shown to gain, over logs or on one board, and what that took."""

    name: str
    steps: float
    seconds: float
    cut_off: bool


def answer(found: OverLogs, others: Sequence[OverLogs] = ()) -> tuple[Sentence, ...]:
    """Five sentences on ``found``, whose weightings may have been tuned; the baseline is named as in the tables.

    What ``others``, tuned otherwise, show on single logs is said beside it.
    """
    beside = [f" {_of(other)}: {_per_log(other)}" for other in others if other.tested]
    return (
        Sentence("Which weighting is best?", _best(found)),
        Sentence("Is one better than constant weights over all logs?", _over_logs(found)),
        Sentence("On which log is one better?", "".join([_per_log(found), *beside])),
        Sentence("At which cost?", _cost(found)),
        Sentence("So which one to use?", _advice(found)),
    )


def _of(found: OverLogs) -> str:
    how = tuned_how(found)
    return f"{how[0].upper()}{how[1:]}"


def _best(found: OverLogs) -> str:
    if not found.rivals:
        return f"That cannot be said: {_nothing_shared(found)}."
    if found.friedman is None:
        have = f"and there is one, {found.called(found.blocks[0])}"
        return f"That cannot be said: Friedman's test takes two logs or more with the same weightings, {have}."
    first, *rest = found.standings
    apart = sorted(found.apart_from(first), key=lambda one: one.spec != found.baseline)
    of = f"{len(found.standings)} weightings over {logs_of(found)}"
    test = f"Friedman's p = {found.friedman.p:.2g}, critical difference {found.critical_difference:.1f}"
    if not found.friedman.p < ALPHA:
        return f"None is shown to be: the mean ranks of {of} do not differ beyond chance ({test})."
    if _out_of_reach(found):
        return f"That cannot be said: the mean ranks of {of} differ, but never by enough to name a best one ({test})."
    if not apart:
        return f"None is shown to be: the mean ranks of {of} differ, but no two by enough to name a best one ({test})."
    best = f"{first.name} has the best mean rank of {of}, {first.rank:.1f}, and is told apart from"
    if len(apart) == len(rest):
        return f"{best} all others ({test})."
    others = counted(len(rest) - len(apart), "other")
    return f"{best} {named([one.name for one in apart])}, but not from {others} ({test})."


def _out_of_reach(found: OverLogs) -> bool:
    """Whether the first and the last rank are closer than the critical difference, whatever the records are."""
    least = found.critical_difference
    return least is not None and least > len(found.standings) - 1


def _over_logs(found: OverLogs) -> str:
    if not found.rivals:
        return f"That cannot be said: {_nothing_shared(found)}."
    if not any(one.verdict for one in found.rivals):
        have = f"there {'is' if len(found.blocks) == 1 else 'are'} {len(found.blocks)}"
        logs = in_words([found.called(board) for board in found.blocks])
        return f"That cannot be said: a test over logs takes {seeds_needed()} logs or more, and {have}, {logs}."
    test = f"p < .05 by sign flips of {logs_of(found)}, {counted(len(found.rivals), 'comparison')} together"
    parts = []
    for verdict, one, several in (("better", "gains", "gain"), ("worse", "loses", "lose")):
        told = sorted((one for one in found.rivals if one.verdict == verdict), key=lambda one: -abs(one.gain.value))
        if told:
            parts.append(f"{named([f'{one.name} ({percent(one.gain)})' for one in told])} {verb(told, one, several)}")
    if parts:
        claim = f"{', and '.join(parts)} in Δm over {baseline_name(found)} (95 % intervals over logs; {test})"
        return f"{claim}{_generated_as_one(found)}."
    top = max(found.rivals, key=lambda one: one.gain.value)
    return (
        f"None is shown to be: no weighting is told apart from {baseline_name(found)} ({test}), and the largest mean "
        f"gain in Δm is that of {top.name}, {percent(top.gain)} (its own 95 % interval over logs)."
    )


def _generated_as_one(found: OverLogs) -> str:
    """Whether the claims need each generated log to count, which a reader may not grant to one generator."""
    if found.generated < FEWEST_LOGS:
        return ""
    logs, verdicts = found.with_generated_as_one
    claimed = [one for one in found.rivals if one.verdict in VERDICTS]
    kept = [one.name for one in claimed if verdicts.get(one.spec) == one.verdict]
    shown = "the same" if len(kept) == len(claimed) else f"it of {in_words(kept)} alone" if kept else "none of it"
    what = f"show {shown}" if verdicts else "be too few for this test"
    return f"; if the {found.generated} generated logs counted as one, {logs} logs would {what}"


def _per_log(found: OverLogs) -> str:
    tested = found.tested
    if not tested:
        return f"That cannot be said: {_too_few_seeds(found)}."
    test = f"p < .05 by sign flips of seeds, {counted(found.comparisons, 'comparison')} of the page together"
    if any(gain.sampling is None for board in tested for gain in board.rivals.values()):
        test += "; another test sample might give another result"
    base = baseline_name(found)
    parts = []
    for verdict in VERDICTS:
        where = _where(found, verdict)
        parts += [f"{verdict} than {base}: {where}"] if where else []
    silent = [found.called(board) for board in tested if not any(map(board.told, VERDICTS))]
    if not parts:
        return f"On none: no weighting is told apart from {base} on {in_words(silent)} ({test})."
    parts += [f"none is told apart on {in_words(silent)}"] if silent else []
    text = "; ".join(parts)
    what = "Δm and its 95 % interval over seeds" if "±" in text else "Δm"
    return f"{text[0].upper()}{text[1:]} ({what}; {test})."


def _where(found: OverLogs, verdict: Significance) -> str:
    """What has the verdict on each board, with its gain; of many boards, on how many logs each weighting has it."""
    told = [board for board in found.tested if board.told(verdict)]
    if len(told) <= MOST_PLACES:
        return ", ".join(f"{_gains(board, board.told(verdict))} on {found.called(board)}" for board in told)
    logs = {spec: len({board.board.log for board in told if spec in board.told(verdict)}) for spec in found.specs}
    most = sorted((spec for spec in found.specs if logs[spec]), key=lambda spec: -logs[spec])
    return named([f"{found.names[spec]} on {counted(logs[spec], 'log')}" for spec in most], MOST_PLACES)


def _cost(found: OverLogs) -> str:
    base = baseline_name(found)
    shown = _shown(found)
    if not shown:
        steps = [(spec, gain.steps) for board in found.boards for spec, gain in board.rivals.items()]
        took = f"took {span([times for _, times in steps])} times the steps of {base}"
        return f"{counted(len(dict(steps)), 'weighting')} {took}, and no gain is shown for it."
    took = f"{span([one.steps for one in shown])} times the steps"
    if not any(math.isnan(one.seconds) for one in shown):
        took += f" and {span([one.seconds for one in shown])} times the seconds"
    parts = [f"What is shown to gain took {took} of {base}"]
    more = unique(one.name for one in shown if one.steps >= MORE)
    cut = unique(one.name for one in shown if one.cut_off)
    if more:
        parts.append(f"the gain of {named(more)} may be that of more training")
    if cut:
        parts.append(f"the gain of {named(cut)} may change with more epochs, because the last one allowed was the best")
    return f"{'; '.join(parts)}."


def _advice(found: OverLogs) -> str:
    tested, base = found.tested, baseline_name(found)
    if winners := [one for one in found.rivals if one.verdict == "better"]:
        first, *others = sorted(winners, key=lambda one: -one.gain.value)
        alike = ", and they are not told apart" if others and not set(others) & set(found.apart_from(first)) else ""
        took = [one.seconds for one in winners if not math.isnan(one.seconds)]
        cost = f", at {span(took)} times the seconds of {base}" if took else ""
        names = named([one.name for one in (first, *others)])
        return f"{names}: shown to gain over logs{cost}{alike}; on yours, compare with {base}."
    on = {spec: [board for board in tested if spec in board.told("better")] for spec in found.specs}
    logs = {spec: {one.board.log for one in boards} for spec, boards in on.items()}
    gains = {spec: max(board.gains[spec].printed for board in boards) for spec, boards in on.items() if boards}
    helping = sorted(gains, key=lambda spec: -gains[spec])
    safe = [spec for spec in helping if not any(spec in board.told("worse") for board in tested)]
    # What may be the gain of more training is advised only where nothing else is.
    safe = [spec for spec in safe if any(_of_weighting(board.gains[spec]) for board in on[spec])] or safe
    if safe:
        most = max(len(logs[spec]) for spec in safe)
        advised = [spec for spec in safe if len(logs[spec]) == most]
        names = named([found.names[spec] for spec in advised])
        of = {len({one.board.log for one in tested if spec in one.gains}) for spec in advised}
        several = f"{most} of {' to '.join(map(str, sorted({min(of), max(of)})))} logs"
        where = "the one log that can show it" if of == {1} else several
        shown = f"a gain of {names} is shown on {where}, and a loss on none"
        return f"The log decides: {shown}; on yours, compare with {base}."
    if helping:
        names = named([found.names[spec] for spec in helping])
        both = f"a gain of {names} is shown on one and a loss on another"
        return f"That depends on the log: {both}; on yours, compare with {base}."
    if not tested:
        return f"These boards cannot tell, and so give no reason to leave {base}: {_too_few_seeds(found)}."
    reach = max(gain.estimate.high for board in tested for gain in board.rivals.values())
    return (
        f"{base}: nothing is shown to beat it here, and the 95 % intervals over seeds of single weightings reach up to "
        f"{reach:+z.{DIGITS}f} % in Δm.".replace("-", MINUS)
    )


def _of_weighting(gain: Gain) -> bool:
    """Whether neither more training nor more speed can be behind a gain."""
    return gain.steps < MORE and not gain.cut_off


def _shown(found: OverLogs) -> list[_Shown]:
    over = [one for one in found.rivals if one.verdict == "better"]
    shown = [
        _Shown(one.name, one.steps, one.seconds, any(board.gains[one.spec].cut_off for board in found.blocks))
        for one in over
    ]
    on = [(found.names[spec], board.gains[spec]) for board in found.tested for spec in board.told("better")]
    return shown + [_Shown(name, gain.steps, gain.seconds, gain.cut_off) for name, gain in on]


def _gains(board: BoardGains, specs: Sequence[str]) -> str:
    return named([f"{board.names[spec]} ({percent(board.gains[spec].estimate)})" for spec in specs])


def _too_few_seeds(found: OverLogs) -> str:
    """Why no board can carry a claim."""
    most = max(len(board.board.seeds) for board in found.boards)
    return f"p < .05 on one log takes {seeds_needed()} paired seeds, and no board has more than {most}"


def _nothing_shared(found: OverLogs) -> str:
    return f"no weighting beside {baseline_name(found)} has every seed on all of {logs_of(found)}"
