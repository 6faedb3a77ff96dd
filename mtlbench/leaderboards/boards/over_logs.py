"""Weightings that were tuned alike compared over logs: which one is best, and what is shown to gain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mtlbench.leaderboards.boards.board import Board, Significance
from mtlbench.leaderboards.boards.board_gains import BoardGains, board_gains, judged, tunings
from mtlbench.leaderboards.boards.contrasts import weighting_spec
from mtlbench.leaderboards.boards.log_standings import Standing, gains_by_log, standings, verdicts_of
from mtlbench.leaderboards.boards.naming import apart, canonical, natural
from mtlbench.records.tuned import SPACE
from mtlbench.statistics import ALPHA, Friedman, complete_cases, critical_difference, friedman, ranks

FEWEST_LOGS = 2
"""For a test of ranks."""


@dataclass(frozen=True)
class OverLogs:
    """The weightings of all boards that were tuned alike, or of all at their defaults."""

    tuning: Mapping[str, Any]
    """How; empty for defaults."""
    boards: tuple[BoardGains, ...]
    """All of them, the blocks first."""
    blocks: tuple[BoardGains, ...]
    """One board per log: those that rank."""
    standings: tuple[Standing, ...]
    """Of the weightings that all blocks have, the best mean rank first."""
    baseline: str
    """Spec of the constant weights."""
    friedman: Friedman | None
    """``None`` for one log."""
    left_out: tuple[str, ...]
    """Weightings that not all blocks have."""
    differing: Mapping[str, Sequence[str]]
    """Weighting -> its parameters that are not the same on all blocks."""
    comparisons: int
    """Those of all boards of the page whose seeds can carry a claim, which share the chance of a false one."""

    @property
    def names(self) -> dict[str, str]:
        """Spec -> what the weighting is called, of all boards."""
        return {spec: name for board in self.boards for spec, name in board.names.items()}

    @property
    def generated(self) -> int:
        """How many of the blocks are generated logs."""
        return sum(board.generated for board in self.blocks)

    @property
    def with_generated_as_one(self) -> tuple[int, dict[str, Significance]]:
        """How many logs there are if the generated ones count as one, which has the mean of their gains, and what may
        be claimed over these; nothing where they are too few for a test."""
        real, made = ([one for one in self.blocks if one.generated == which] for which in (False, True))
        specs = [one.spec for one in self.rivals]
        gains = gains_by_log(real, specs)
        for spec, of_made in gains_by_log(made, specs).items():
            gains[spec] += [fmean(of_made)] if of_made else []
        logs = len(real) + bool(made)
        return logs, verdicts_of(gains, logs)

    @property
    def logs_left_out(self) -> list[BoardGains]:
        """A board of each log that has too few weightings in common with the others."""
        ranked = {one.board.log for one in self.blocks}
        return list({one.board.log: one for one in self.boards if one.board.log not in ranked}.values())

    @property
    def tested(self) -> list[BoardGains]:
        """The boards on which a claim can be made."""
        return [board for board in self.boards if board.tested]

    @property
    def specs(self) -> list[str]:
        """Of all weightings but the baseline: those with a mean rank first, then the others by name."""
        ranked = [one.spec for one in self.rivals]
        others = self.names.keys() - {*ranked, self.baseline}
        return [*ranked, *sorted(others, key=lambda spec: natural(self.names[spec]))]

    @property
    def rivals(self) -> list[Standing]:
        """All but the baseline."""
        return [one for one in self.standings if one.spec != self.baseline]

    def called(self, board: BoardGains) -> str:
        """The board by its title, and its page where another one has the same title."""
        alike = [one for one in self.boards if one.board.title == board.board.title]
        return board.board.title if len(alike) == 1 else f"{board.board.title} ({board.page})"

    @property
    def critical_difference(self) -> float | None:
        """Nemenyi's: mean ranks closer than that cannot be told apart; ``None`` for one log."""
        return critical_difference(len(self.standings), len(self.blocks)) if self.friedman else None

    def apart_from(self, one: Standing) -> list[Standing]:
        """Those whose mean rank is told apart from that of ``one``: none where Friedman's test finds no difference."""
        least = self.critical_difference
        if self.friedman is None or least is None or not self.friedman.p < ALPHA:
            return []
        return [other for other in self.standings if abs(other.rank - one.rank) >= least]


def over_logs(sources: Iterable[tuple[str, Sequence[Board]]]) -> list[OverLogs]:
    """What boards say over logs: an :class:`OverLogs` per way of tuning, the one that answers first.

    A block is a log: boards that differ in their tasks or conditions alone are of one log, and generated logs under
    other seeds are others. Of each log the board with the most seeds ranks, of equals the one with the most weightings.
    Conditions may differ between logs, because ranks and gains are within a board. Backbones are no blocks.

    Args:
        sources: of each page its name and its boards, in the order in which they are shown.

    Returns:
        first the weightings that were tuned, where that is on two logs or more, else those of the most logs. Empty
        where no board has constant weights and another weighting with every seed.
    """
    found = [
        gains
        for page, boards in sources
        for board in boards
        for tuned in tunings(board)
        if (gains := board_gains(page, board, tuned))
    ]
    groups: dict[str, list[BoardGains]] = {}
    for gains in judged(found):
        groups.setdefault(canonical(gains.tuning), []).append(gains)
    comparisons = sum(len(gains.rivals) for gains in found if gains.testable)
    return sorted((_over_logs(group, comparisons) for group in groups.values()), key=_place)


def _place(found: OverLogs) -> tuple[bool, int]:
    return not (found.tuning and len(found.blocks) >= FEWEST_LOGS), -len(found.blocks)


def _over_logs(found: Sequence[BoardGains], comparisons: int) -> OverLogs:
    import pandas as pd

    logs: dict[str, list[BoardGains]] = {}
    for gains in found:
        logs.setdefault(gains.board.log, []).append(gains)
    chosen = [max(own, key=lambda gains: (len(gains.board.seeds), len(gains.gains))) for own in logs.values()]
    table = pd.DataFrame([{spec: gain.printed for spec, gain in one.gains.items()} for one in chosen], dtype=float)
    complete = complete_cases(table)
    blocks = [chosen[int(str(i))] for i in complete.scores.index]
    specs = list(map(str, complete.scores.columns))
    baseline = blocks[0].baseline
    names = {spec: name for one in found for spec, name in one.names.items()}
    several = len(blocks) >= FEWEST_LOGS and len(specs) > 1
    return OverLogs(
        tuning=found[0].tuning,
        boards=(*blocks, *(one for one in found if one not in blocks)),
        blocks=tuple(blocks),
        standings=standings(blocks, specs, baseline, names),
        baseline=baseline,
        friedman=friedman(ranks(complete.scores)) if several else None,
        left_out=tuple(name for spec, name in names.items() if spec not in specs),
        differing=_differing(blocks, specs, names),
        comparisons=comparisons,
    )


def _differing(
    blocks: Sequence[BoardGains], specs: Sequence[str], names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """A weighting is the same as one types it; presets give its networks other sizes, which a reader must know."""
    found = {}
    for spec in specs:
        uses = [
            next(row.sample.weighting for row in one.board.rows if row.sample and weighting_spec(row) == spec)
            for one in blocks
        ]
        different = apart([{name: value for name, value in use.params.items() if name != SPACE} for use in uses])
        if parameters := tuple(dict.fromkeys(name for one in different for name in one)):
            found[names[spec]] = parameters
    return found
