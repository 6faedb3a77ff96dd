"""The weightings of one board that were tuned alike, by what they gain over its constant weights."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.config.parameters import params_text
from mtlbench.leaderboards.boards.board import Board, Row, Significance, claim
from mtlbench.leaderboards.boards.contrasts import alike, baselines_of, by_backbone, tuning, weighting_spec
from mtlbench.leaderboards.boards.gains import DIGITS, Gain, gain_of
from mtlbench.leaderboards.boards.naming import backbone_name, canonical, natural
from mtlbench.leaderboards.boards.standing import relative_gain
from mtlbench.statistics import ALPHA, complete_cases, max_t_together, probability_best, ranks, smallest_p
from mtlbench.text import one_line


@dataclass(frozen=True)
class BoardGains:
    """The weightings of one board that were tuned alike, by their spec; the baseline is one of them."""

    page: str
    """What the board is on, by its name."""
    board: Board
    tuning: Mapping[str, Any]
    """How all of them were tuned; empty for weightings at their defaults."""
    baseline: str
    """Spec of the constant weights that gains are over."""
    backbones: tuple[str, ...]
    """Those that gains are means over."""
    names: Mapping[str, str]
    """Spec -> what the weighting is called."""
    gains: Mapping[str, Gain]
    left_out: tuple[str, ...]
    """Weightings and backbones that have gaps on this board."""

    @property
    def generated(self) -> bool:
        """Whether the log was generated."""
        return self.board.sample.dataset.optimum is not None

    @property
    def testable(self) -> bool:
        """Whether its seeds could carry a claim."""
        return smallest_p(len(self.board.seeds)) < ALPHA

    @property
    def rivals(self) -> dict[str, Gain]:
        """All but the baseline."""
        return {spec: gain for spec, gain in self.gains.items() if spec != self.baseline}

    @cached_property
    def ranks(self) -> dict[str, float]:
        """Rank of each weighting by its gain; 1 is the best."""
        return dict(zip(self.gains, ranks([gain.printed for gain in self.gains.values()]).tolist(), strict=True))

    @property
    def in_order(self) -> list[str]:
        """Specs by rank, of equal ones by name."""
        return sorted(self.gains, key=lambda spec: (self.ranks[spec], natural(self.names[spec])))

    @cached_property
    def best(self) -> dict[str, float]:
        """Bootstrapped probability of each weighting to have the largest gain under other seeds."""
        values = [gain.seeds for gain in self.gains.values()]
        return dict(zip(self.gains, probability_best([values], DIGITS).tolist(), strict=True))

    @property
    def tested(self) -> bool:
        """Whether a claim can be made on it, among all boards of the page."""
        return any(gain.verdict for gain in self.gains.values())

    def told(self, verdict: Significance) -> list[str]:
        """Specs of the weightings with this verdict, the largest gain first."""
        found = [spec for spec, gain in self.rivals.items() if gain.verdict == verdict]
        return sorted(found, key=lambda spec: -self.gains[spec].printed)


def tunings(board: Board) -> list[dict[str, Any]]:
    """The ways in which rows of ``board`` were tuned, at their defaults (an empty one) among them."""
    return list({canonical(tuning(row)): tuning(row) for row in board.rows if row.sample}.values())


def board_gains(page: str, board: Board, tuned: Mapping[str, Any]) -> BoardGains | None:
    """The weightings of ``board`` that were tuned as ``tuned`` says, without verdicts.

    A gain is a mean over backbones, so weightings and backbones are left out until none has a gap. ``None`` where there
    are not constant weights and another weighting.

    Args:
        page: what the board is on.
        board: one of :func:`mtlbench.leaderboards.boards.grouping.boards`.
        tuned: one of :func:`tunings`.
    """
    import pandas as pd

    rows = [row for row in board.rows if row.sample and tuning(row) == tuned]
    groups = _groups(rows)
    values = [
        {spec: found for spec, row in by_spec.items() if (found := relative_gain(row, base, board.primaries))}
        for base, by_spec in groups
    ]
    specs = list(dict.fromkeys(spec for found in values for spec in found))
    means = [[found[spec].mean if spec in found else math.nan for spec in specs] for found in values]
    complete = complete_cases(pd.DataFrame(means, columns=specs, dtype=float))
    kept = [int(str(i)) for i in complete.scores.index]
    whole = list(map(str, complete.scores.columns))
    baseline = weighting_spec(groups[kept[0]][0]) if kept else ""
    if baseline not in whole or len(whole) < 2:
        return None
    names = {weighting_spec(row): _name(row, tuned) for row in rows}
    backbones = [backbone_name(base.sample) if base.sample else "" for base, _ in groups]
    gains = {
        spec: gain_of([(groups[i][1][spec], groups[i][0]) for i in kept], [values[i][spec].seeds for i in kept], board)
        for spec in whole
    }
    return BoardGains(
        page=page,
        board=board,
        tuning=tuned,
        baseline=baseline,
        backbones=tuple(backbones[i] for i in kept),
        names={spec: names[spec] for spec in whole},
        gains=gains,
        left_out=(
            *(name for spec, name in names.items() if spec not in whole),
            *(backbones[int(str(i))] for i in complete.blocks_left_out),
        ),
    )


def _groups(rows: Sequence[Row]) -> list[tuple[Row, dict[str, Row]]]:
    """Of each backbone with a complete baseline that row, and the complete rows that were tuned alike, by their spec.

    Rows that differ in what their specs do not say, as those of two versions of a plugin do, are none of them. Nor are
    rows that were tuned over another space than the baseline, with which a board does not compare them either.
    """
    found = []
    for group in by_backbone(rows):
        complete = [row for row in group if row.state == "complete"]
        counts = Counter(map(weighting_spec, complete))
        by_spec = {weighting_spec(row): row for row in complete if counts[weighting_spec(row)] == 1}
        found += [
            (base, {spec: row for spec, row in by_spec.items() if alike(row, base)})
            for base in baselines_of(by_spec.values(), ())[:1]
        ]
    return found


def judged(found: Sequence[BoardGains]) -> list[BoardGains]:
    """``found`` with verdicts, which are claims over all of them together.

    Step-down max-T by sign flips of whole seeds, over all weightings of all boards whose seeds could carry a claim
    (:func:`~mtlbench.statistics.max_t_together`). As on a board, a claim also needs the interval over test samples to
    exclude 0, where it is known.
    """
    testable = [one for one in found if one.testable]
    tables = [
        dict(zip(one.board.seeds, np.array([gain.seeds for gain in one.rivals.values()]).T, strict=True))
        for one in testable
    ]
    outcomes = iter(max_t_together(tables) if tables else [])
    return [_judged(one, next(outcomes).adjusted) if one.testable else one for one in found]


def _judged(found: BoardGains, adjusted: NDArray[np.float64]) -> BoardGains:
    """``found`` with the verdict that the p-value of each rival gives."""
    told = {
        spec: replace(gain, adjusted=p, verdict=claim(gain.estimate.value, p, gain.sampling))
        for (spec, gain), p in zip(found.rivals.items(), adjusted.tolist(), strict=True)
    }
    return replace(found, gains={**found.gains, **told})


def _name(row: Row, tuned: Mapping[str, Any]) -> str:
    """The weighting with its changed parameters; how it was tuned is said of all together."""
    assert row.sample is not None  # rows without one were left out
    use = row.sample.weighting
    changed = {name: value for name, value in use.changed.items() if name not in tuned}
    return one_line(use.label) + (f" [{params_text(changed)}]" if changed else "")
