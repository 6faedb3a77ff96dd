"""When does weighting matter: what each weighting gains over constant weights on a grid of generated logs.

    mtlbench run --config studies/phase.toml
    python studies/phase.py results/phase docs/figures/phase.svg

The first table has the mean gain over all logs, and over those at each level of each factor. The figure is the whole
grid: a panel for each weighting. The gain is Delta_m, in percent.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtlbench.figures.canvas import canvas, label, save
from mtlbench.figures.heatmap import painted
from mtlbench.figures.over_logs import lead
from mtlbench.leaderboards import TABLE_METRICS
from mtlbench.leaderboards.boards.board_gains import BoardGains, board_gains
from mtlbench.leaderboards.boards.gains import Gain
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record, RecordStore
from mtlbench.statistics import ALPHA, max_t, mean_interval
from mtlbench_plugins.datasets.synthetic import Synthetic

FACTORS = {"conflict": "conflict", "rarest": "rarest rate", "scale": "noise ratio", "tasks": "tasks"}
"""Parameter of ``synthetic`` -> what it is called."""
ACROSS, DOWN = ("tasks", "conflict"), ("rarest", "scale")
"""Factors of the columns and of the rows of a map, the slow one first."""

Point = tuple[Any, ...]
"""The level of each of ``FACTORS``."""
Grid = Mapping[Point, Mapping[str, Gain]]
"""Of each log what each weighting gains on it, by the weighting's name."""


def grid(records: Iterable[Record]) -> Grid:
    """The gains on each generated log that has constant weights and another weighting."""
    found = {}
    for board in boards(records):
        gains = board_gains(board.title, board, {})
        if gains:
            found[_point(gains)] = {gains.names[spec]: gain for spec, gain in gains.rivals.items()}
    return found


def _point(gains: BoardGains) -> Point:
    # A record leaves out what was added later to the plugin and is at its default.
    params = Synthetic.Params().model_dump() | gains.board.sample.dataset.params
    return tuple(params[factor] for factor in FACTORS)


def report(found: Grid) -> Iterator[str]:
    """The table of mean gains, as Markdown: over all logs, then at each level of each factor.

    In parentheses is half the 95 % interval over logs. Marks of the first row are claims over all weightings together:
    p < .05 by sign flips of logs (step-down max-T).
    """
    names = weightings(found)
    yield f"| | logs | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}"
    outcome = max_t([[gains[name].estimate.value for gains in found.values()] for name in names])
    sure = [p < ALPHA for p in outcome.adjusted]
    yield _line("all", list(found.values()), names, sure)
    for place, (factor, called) in enumerate(FACTORS.items()):
        for level in levels(found, factor):
            chosen = [gains for point, gains in found.items() if point[place] == level]
            yield _line(f"{called} {level:g}", chosen, names, [False] * len(names))


def _line(title: str, chosen: Sequence[Mapping[str, Gain]], names: Sequence[str], sure: Sequence[bool]) -> str:
    cells = []
    for name, claimed in zip(names, sure, strict=True):
        estimate = mean_interval([gains[name].estimate.value for gains in chosen])
        mark = ("*" if estimate.value > 0 else "°") if claimed else ""
        cells.append(f"{estimate.value:+.2f} ± {estimate.half_width:.2f}{mark}")
    return f"| {title} | {len(chosen)} | {' | '.join(cells)} |"


def weightings(found: Grid) -> list[str]:
    """Those that every log has, the largest mean gain first."""
    whole = set.intersection(*(set(gains) for gains in found.values()))
    means = {name: np.mean([gains[name].estimate.value for gains in found.values()]) for name in whole}
    return sorted(whole, key=lambda name: -means[name])


def levels(found: Grid, factor: str) -> list[Any]:
    """Of a factor, ascending."""
    place = list(FACTORS).index(factor)
    return sorted({point[place] for point in found})


def draw(found: Grid, path: Path) -> None:
    """Write a map for each weighting: conflict and number of tasks across, rarity and noise ratio down.

    A colour is the gain in half widths of its interval over seeds, a number the gain in percent.
    """
    names = weightings(found)
    across = [(one, other) for one in levels(found, ACROSS[0]) for other in levels(found, ACROSS[1])]
    down = [(one, other) for one in levels(found, DOWN[0]) for other in levels(found, DOWN[1])]
    columns = 2
    rows = -(-len(names) // columns)
    figure, axes = canvas(rows, columns, 5.2 * columns, 2.4 * rows)
    panels = [panel for row in axes for panel in row]
    for panel, name in zip(panels, names, strict=False):
        cells = [[_at(found, name, dict(zip(ACROSS + DOWN, x + y, strict=True))) for x in across] for y in down]
        heads = [f"{tasks:g} tasks\nconflict {conflict:g}" for tasks, conflict in across]
        titles = [f"rarest {rarest:g}, noise {scale:g}" for rarest, scale in down]
        painted(figure, panel, [[lead(gain) for gain in row] for row in cells], titles, heads)
        panel.set_title(label(name), fontsize=9)
        for i, row in enumerate(cells):
            for j, gain in enumerate(row):
                if gain is not None:
                    colour = "white" if abs(lead(gain)) > 2 else "black"
                    text = f"{gain.estimate.value:+.1f}"
                    panel.text(j, i, text, ha="center", va="center", fontsize=7, color=colour)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    save(figure, path)


def _at(found: Grid, name: str, point: Mapping[str, Any]) -> Gain | None:
    return found.get(tuple(point[factor] for factor in FACTORS), {}).get(name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of studies/phase.toml")
    parser.add_argument("figure", type=Path, help="where to draw the maps: .svg, .png or .pdf")
    options = parser.parse_args()
    gains_of = grid(RecordStore(options.folder).read_for_tables(TABLE_METRICS))
    for line in report(gains_of):
        print(line)
    draw(gains_of, options.figure)
