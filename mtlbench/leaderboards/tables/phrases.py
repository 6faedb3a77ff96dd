"""How the sentences of an answer name things and print numbers."""

from collections.abc import Iterable, Sequence

from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.boards.gains import DIGITS
from mtlbench.leaderboards.boards.over_logs import OverLogs
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.records.tuned import HALVING, SEARCHES, TRIALS
from mtlbench.statistics import Estimate
from mtlbench.text import counted

MOST_NAMED = 2
"""Weightings that a sentence names of each kind; the tables mark them all."""


def tuned_how(found: OverLogs) -> str:
    """``at their defaults``, or ``each tuned over 12 trials``."""
    if not found.tuning:
        return "at their defaults"
    searches = found.tuning.get(SEARCHES, 1)
    repeated = f" in each of {searches} searches" if searches > 1 else ""
    halving = " by halving" if found.tuning.get(HALVING) else ""
    return f"each tuned over {counted(found.tuning[TRIALS], 'trial')}{halving}{repeated}"


def baseline_name(found: OverLogs) -> str:
    """What gains are over: ``Constant``, or ``tuned Constant``."""
    return f"{'tuned ' if found.tuning else ''}{found.names[found.baseline]}"


def logs_of(found: OverLogs) -> str:
    """``6 logs (2 of them generated)``."""
    generated = found.generated
    which = (
        "" if not generated else f" ({'all' if generated == len(found.blocks) else f'{generated} of them'} generated)"
    )
    return f"{counted(len(found.blocks), 'log')}{which}"


def percent(gain: Estimate) -> str:
    """``+0.31 ± 0.12 %``: the mean, and half its 95 % interval where there is one."""
    half = "" if gain.half_width != gain.half_width else f" ± {gain.half_width:.{DIGITS}f}"
    return f"{gain.value:+z.{DIGITS}f}{half} %".replace("-", MINUS)


def named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """``A``, ``A and B``, ``A, B and C``, ``A, B and 3 more``."""
    most += len(names) == most + 1  # a name is no longer than "1 more"
    more = len(names) - most
    return in_words([*names[:most], *([f"{more} more"] if more > 0 else [])])


def unique(names: Iterable[str]) -> list[str]:
    """Each name once, in order."""
    return list(dict.fromkeys(names))


def span(ratios: Sequence[float]) -> str:
    """``1.0 to 1.3``, or one number where both ends print alike."""
    low, high = f"{min(ratios):.1f}", f"{max(ratios):.1f}"
    return low if low == high else f"{low} to {high}"


def verb(subjects: Sequence[object], one: str, several: str) -> str:
    """The form of a verb that fits so many subjects."""
    return one if len(subjects) == 1 else several
