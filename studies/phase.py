"""When does weighting matter: what each weighting gains over constant weights on a grid of generated logs.

    mtlbench run --config studies/phase.toml
    python studies/phase.py docs/studies/phase-gains.csv --results results/phase --maps docs/figures/phase.svg
    python studies/phase.py docs/studies/phase-gains.csv --where docs/studies/phase-logs.csv docs/figures/phase-logs.svg

The first call makes the file of gains from the records, prints the tables, and draws the maps: a panel for each
weighting, tuned as constant weights are. The second one draws where real logs lie (`studies/measure.py` measures them).
A gain is Delta_m, in percent, over constant weights at their defaults or tuned alike.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd

from mtlbench.figures.canvas import COLOURS, MARKERS, canvas, label, save
from mtlbench.figures.heatmap import in_half_widths, painted
from mtlbench.leaderboards.boards.board_gains import BoardGains, board_gains, tunings
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.publishing import read_records
from mtlbench.records import Record
from mtlbench.statistics import ALPHA, max_t, max_t_together, mean_interval
from mtlbench_plugins.datasets.synthetic import Synthetic

FACTORS = {"conflict": "conflict", "rarest": "rarest rate", "scale": "noise ratio", "tasks": "tasks"}
"""Parameter of ``synthetic`` -> what it is called."""
EASY = {"conflict": min, "rarest": max, "scale": min, "tasks": min}
"""Its level that others are compared with."""
ACROSS, DOWN = ("tasks", "conflict"), ("rarest", "scale")
"""Factors of the columns and of the rows of a map, the slow one first."""
MEASURES = {"losses": "largest loss over smallest", "rarest": "rate of the rarest label"}
"""Of a log: columns of the file of `studies/measure.py` -> how they are called."""
TUNED = "tuned"
GAIN, WIDTH, WEIGHTING = "gain", "half_width", "weighting"


def gains(records: Iterable[Record]) -> pd.DataFrame:
    """A row for each generated log, way of tuning and weighting: mean gain, and half its 95 % interval over seeds.

    ``cut_off``: whether its best epoch, or that of constant weights, is mostly the last one allowed.
    """
    rows = []
    for board in boards(records):
        if board.sample.dataset.name != Synthetic.name:
            raise SystemExit(f"{board.title} is no generated log: give a folder of studies/phase.toml alone")
        for tuned in tunings(board):
            found = board_gains(board.title, board, tuned)
            for spec, gain in (found.rivals if found else {}).items():
                estimate = gain.estimate
                rows.append(
                    {
                        TUNED: bool(tuned),
                        **_point(found),
                        WEIGHTING: found.names[spec],
                        GAIN: round(estimate.value, 3),
                        WIDTH: round(estimate.half_width, 3),
                        "cut_off": gain.cut_off,
                    }
                )
    return pd.DataFrame(rows).sort_values([TUNED, *FACTORS, WEIGHTING], ignore_index=True)


def _point(gains: BoardGains) -> dict[str, float]:
    # A record leaves out what was added later to the plugin and is at its default.
    params = Synthetic.Params().model_dump() | gains.board.sample.dataset.params
    return {factor: float(params[factor]) for factor in FACTORS}


def by_log(found: pd.DataFrame, tuned: bool) -> pd.DataFrame:
    """The gains of weightings that were tuned so: a row for each log that has them all, the largest mean gain first."""
    table = found[found[TUNED] == tuned].pivot(index=list(FACTORS), columns=WEIGHTING, values=GAIN).dropna()
    return table[table.mean().sort_values(ascending=False).index]


def report(found: pd.DataFrame, tuned: bool) -> Iterator[str]:
    """Two tables as Markdown: mean gains over all logs and at each level of each factor, and what each factor changes.

    Behind ± is half the 95 % interval over logs. Marks are claims: p < .05 by sign flips of logs or of pairs of logs,
    over the first row of the first table, and over all of the second (step-down max-T).
    """
    table = by_log(found, tuned)
    yield _head("gain", "logs", table)
    yield _line("all", table, max_t(table.to_numpy().T).adjusted < ALPHA)
    for factor, called in FACTORS.items():
        for level, part in table.groupby(level=factor):
            yield _line(f"{called} {level:g}", part)
    yield ""
    yield _head("change", "pairs", table)
    effects = list(_effects(table))
    outcomes = max_t_together([units for _, _, units in effects]) if effects else []
    for (title, part, _), outcome in zip(effects, outcomes, strict=True):
        yield _line(title, part, outcome.adjusted < ALPHA)


def _effects(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, dict[int, np.ndarray]]]:
    """Of each level of each factor what it adds to the gain at the easy level, on pairs of logs that are else alike.

    With the same by the number of the pair's easy log: pairs that share one are flipped together.
    """
    for number, (factor, called) in enumerate(FACTORS.items()):
        levels = table.index.unique(factor)
        easy = EASY[factor](levels)
        of_easy = table.xs(easy, level=factor)
        for level in sorted(set(levels) - {easy}):
            added = (table.xs(level, level=factor) - of_easy).dropna()
            if len(added):
                places = of_easy.index.get_indexer(added.index) + number * len(table)
                yield (
                    f"{called} {level:g}, not {easy:g}",
                    added,
                    dict(zip(places.tolist(), added.to_numpy(), strict=True)),
                )


def _head(what: str, units: str, table: pd.DataFrame) -> str:
    return f"| {what}, % | {units} | {' | '.join(table)} |\n|---|---|{'---|' * len(table.columns)}"


def _line(title: str, table: pd.DataFrame, sure: Sequence[bool] = ()) -> str:
    cells = []
    for name, claimed in zip_longest(table, sure, fillvalue=False):
        estimate = mean_interval(table[name])
        mark = ("*" if estimate.value > 0 else "°") if claimed else ""
        cells.append(f"{estimate.value:+.2f} ± {estimate.half_width:.2f}{mark}")
    return f"| {title} | {len(table)} | {' | '.join(cells)} |"


def draw_maps(found: pd.DataFrame, path: Path, tuned: bool = True) -> None:
    """Write a map for each weighting: conflict and number of tasks across, rarity and noise ratio down.

    A colour is the gain in half widths of its interval over seeds, a number the gain in percent.
    """
    found = found[found[TUNED] == tuned]
    names = list(by_log(found, tuned))
    columns = 2
    rows = -(-len(names) // columns)
    figure, axes = canvas(rows, columns, 5.2 * columns, 2.4 * rows)
    panels = [panel for row in axes for panel in row]
    for panel, name in zip(panels, names, strict=False):
        own = found[found[WEIGHTING] == name]
        grid, widths = (own.pivot(index=list(DOWN), columns=list(ACROSS), values=value) for value in (GAIN, WIDTH))
        leads = [
            [in_half_widths(gain, width) for gain, width in zip(*pair, strict=True)]
            for pair in zip(grid.to_numpy(), widths.to_numpy(), strict=True)
        ]
        heads = [f"{tasks:g} tasks\nconflict {conflict:g}" for tasks, conflict in grid.columns]
        titles = [f"rarest {rarest:g}, noise {scale:g}" for rarest, scale in grid.index]
        texts = [["" if np.isnan(gain) else f"{gain:+.1f}" for gain in row] for row in grid.to_numpy()]
        painted(figure, panel, leads, texts, titles, heads)
        panel.set_title(label(name), fontsize=9)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    save(figure, path)


def draw_where(places: pd.DataFrame, path: Path) -> None:
    """Write a map of logs: the mean cosine of gradients across, ratio of losses and rarest label down.

    Generated logs have the colour of their conflict, real ones their names.
    """
    from matplotlib.ticker import LogLocator

    conflict = places.index.str.extract(r"^synthetic\[.*conflict=([\d.]+)", expand=False)
    real = places[conflict.isna()].sort_values("cosine")
    figure, [axes] = canvas(1, 2, 10.4, 4.2)
    for panel, column in zip(axes, MEASURES, strict=True):
        for number, level in enumerate(sorted(conflict.dropna().unique())):
            own = places[conflict == level]
            look = {"color": COLOURS[number], "marker": MARKERS[number], "alpha": 0.7}
            panel.scatter(own["cosine"], own[column], s=18, label=f"generated, conflict {level}", **look)
        panel.scatter(real["cosine"], real[column], s=26, color="black", marker="x", label="real")
        for number, (log, row) in enumerate(real.iterrows()):
            beside = {"ha": "right" if row["cosine"] > real["cosine"].mean() + 0.2 else "left"}
            shift = (0, 5 if number % 2 else -11)
            at = row["cosine"], row[column]
            panel.annotate(label(short_name(str(log))), at, shift, fontsize=7, textcoords="offset points", **beside)
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter("")
        panel.set_xlabel("mean cosine between the gradients of two tasks", fontsize=8)
        panel.set_ylabel(MEASURES[column], fontsize=8)
    axes[0].legend(fontsize=7)
    save(figure, path)


def short_name(log: str) -> str:
    """Without parameters, but for what changes the tasks: ``kuairand[tasks=feedback]``, ``complete-journey``."""
    name, _, params = log.partition("[")
    return log if params.startswith("tasks=") else name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gains", type=Path, help="the CSV file of gains")
    parser.add_argument("--results", type=Path, help="results of studies/phase.toml, from which the file is made")
    parser.add_argument("--maps", type=Path, help="where to draw the maps: .svg, .png or .pdf")
    parser.add_argument("--where", type=Path, nargs=2, help="a file of studies/measure.py, and where to draw its logs")
    options = parser.parse_args()
    if options.results:
        gains(read_records(options.results, scores_only=True)).to_csv(options.gains, index=False)
    known = pd.read_csv(options.gains)
    for way in sorted(known[TUNED].unique()):
        print(f"{'tuned' if way else 'at defaults'}\n", *report(known, bool(way)), sep="\n")
    if options.maps:
        draw_maps(known, options.maps)
    if options.where:
        draw_where(pd.read_csv(options.where[0], index_col="log"), options.where[1])
