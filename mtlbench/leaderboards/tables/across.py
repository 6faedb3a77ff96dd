"""The table of weightings over all backbones and datasets of one protocol."""

from mtlbench.leaderboards.boards.across import Across
from mtlbench.leaderboards.boards.board import MISSING
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell

TITLE = "Across backbones and datasets"


def across_table(found: Across, which: str = "") -> Table:
    """Mean ranks of the weightings, and how often each beats the baseline.

    Args:
        found: the weightings over the blocks.
        which: what tells these boards from those of other settings, for the title.
    """
    baseline = found.baseline
    lines = []
    for i, name in enumerate(found.names):
        cells = [TableCell(f"{means[i]:.2f}", bold=means[i] == min(means)) for means in found.ranks.values()]
        beats = [] if baseline is None else [_improvement(found, i, baseline)]
        lines.append(Line((TableCell(name),), (*cells, *beats)))
    heads = [Head("Rank", found.label(metric)) for metric in found.ranks]
    heads += [] if baseline is None else [Head("Beats", found.names[baseline])]
    caption = [_ranks_caption(found)]
    if baseline is not None:
        how = "higher" if found.higher else "better"
        caption.append(
            f"Beats: the probability that a run has a {how} {found.primary} (mean over tasks) than a run of "
            "the baseline, with its 95 % bootstrap interval over seeds; with fewer than 10 seeds the interval is too "
            "narrow."
        )
    if found.left_out:
        caption.append(f"Only what has no gap is ranked. Left out: {'; '.join(found.left_out)}.")
    title = f"{TITLE}, {which}" if which else TITLE
    return Table(title, tuple(caption), ("Weighting",), tuple(heads), tuple(lines))


def _improvement(found: Across, weighting: int, baseline: int) -> TableCell:
    if weighting == baseline:
        return TableCell(MISSING, quiet=True)
    chance = found.improvement(weighting, baseline)
    return TableCell(f"{chance.value:.2f}", f" ({chance.low:.2f} to {chance.high:.2f})")


def _ranks_caption(found: Across) -> str:
    if found.critical_difference is None:
        return (
            f"Rank: the mean over {found.over}; 1 is the best. A backbone ranks the "
            "means over tasks and seeds. No test: weightings rank nearly alike on all backbones of a dataset, so "
            "backbones are not independent. Friedman's test takes two datasets or more."
        )
    p_values = ", ".join(f"{found.label(metric)} p = {test.p:.2g}" for metric, test in found.tests.items())
    return (
        f"Rank: the mean over {found.over}; 1 is the best. A dataset ranks the means over its backbones, "
        f"tasks and seeds. Friedman's test by permutation, whose blocks are the datasets: {p_values}. Nemenyi's "
        f"critical difference at .05: {found.critical_difference:.2f}; closer mean ranks cannot be told apart."
    )
