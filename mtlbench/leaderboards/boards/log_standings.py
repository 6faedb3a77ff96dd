"""How weightings stand over logs: mean rank, the chance to be best, gain, cost, and what may be claimed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtlbench.leaderboards.boards.board import Significance, claim
from mtlbench.leaderboards.boards.board_gains import BoardGains
from mtlbench.leaderboards.boards.gains import DIGITS
from mtlbench.statistics import ALPHA, Estimate, max_t, mean_interval, probability_best, ranks, smallest_p


@dataclass(frozen=True)
class Standing:
    """A weighting over logs."""

    spec: str
    name: str
    rank: float
    """Mean over logs; 1 is the best."""
    best: float
    """Bootstrapped probability of the best mean rank, under other logs and seeds."""
    gain: Estimate
    """Mean over logs of what it gains over constant weights, in percent, with its 95 % interval over logs."""
    steps: float
    """Times the optimiser steps of constant weights, geometric mean over logs."""
    seconds: float
    """Times their seconds."""
    verdict: Significance | None
    """What may be claimed of its gain over logs; ``None`` where there is no test."""

    @property
    def printed(self) -> float:
        """The gain as it is printed."""
        return round(self.gain.value, DIGITS)


def standings(
    blocks: Sequence[BoardGains], specs: Sequence[str], baseline: str, names: Mapping[str, str]
) -> tuple[Standing, ...]:
    """Of the weightings ``specs``, which all ``blocks`` have, the best mean rank first; a block is a log."""
    by_log = gains_by_log(blocks, specs)
    placed = ranks([[one.gains[spec].printed for spec in specs] for one in blocks]).mean(axis=0).tolist()
    best = probability_best([[one.gains[spec].seeds for spec in specs] for one in blocks], DIGITS).tolist()
    verdicts = verdicts_of({spec: gains for spec, gains in by_log.items() if spec != baseline}, len(blocks))
    found = [
        Standing(
            spec,
            names[spec],
            rank,
            chance,
            mean_interval(by_log[spec]),
            _geometric_mean([one.gains[spec].steps for one in blocks]),
            _geometric_mean([one.gains[spec].seconds for one in blocks]),
            verdicts.get(spec),
        )
        for spec, rank, chance in zip(specs, placed, best, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (one.rank, -one.printed, one.name)))


def gains_by_log(blocks: Sequence[BoardGains], specs: Sequence[str]) -> dict[str, list[float]]:
    """Spec -> what it gains on each log."""
    return {spec: [one.gains[spec].estimate.value for one in blocks] for spec in specs}


def verdicts_of(gains: Mapping[str, Sequence[float]], logs: int) -> dict[str, Significance]:
    """What may be claimed of the gain over logs of each weighting, all together; empty where no test is possible."""
    if not gains or not smallest_p(logs) < ALPHA:
        return {}
    adjusted = max_t(list(gains.values())).adjusted.tolist()
    return {spec: claim(fmean(own), p) for (spec, own), p in zip(gains.items(), adjusted, strict=True)}


def _geometric_mean(ratios: Sequence[float]) -> float:
    """The mean of ratios, such as times the steps; NaN where one is missing."""
    return math.exp(fmean(map(math.log, ratios))) if ratios and min(ratios) > 0 else math.nan
