"""What the stars of a table rest on, and where there are too few seeds for any."""

from collections.abc import Sequence

from mtlbench.leaderboards.board import Board, Trial
from mtlbench.statistics import ALPHA, pairs_needed, smallest_p

NO_BASELINE = ("", ("", ""))


def footnotes(group: Sequence[Board]) -> list[str]:
    """A text for each baseline that values were compared with, and one for backbones without any."""
    by_baseline: dict[tuple[str, tuple[str, str]], list[Trial]] = {}
    for board in group:
        for trial in board.trials:
            by_baseline.setdefault((trial.baseline, trial.marks), []).append(trial)
    alone = by_baseline.pop(NO_BASELINE, [])
    texts = [_footnote(trials) for trials in by_baseline.values()]
    if alone:
        backbones = dict.fromkeys(trial.backbone for trial in alone)
        texts.append(f"No stars where the backbone has no baseline row: {', '.join(backbones)}.")
    return texts


def _footnote(trials: Sequence[Trial]) -> str:
    baseline, (better, worse) = trials[0].baseline, trials[0].marks
    held = [trial for trial in trials if trial.comparisons]
    able = [trial for trial in held if smallest_p(trial.seeds, trial.comparisons) < ALPHA]
    unable = sorted({(trial.seeds, trial.comparisons) for trial in held if trial not in able})
    texts = []
    if able:
        texts.append(
            f"{better} better and {worse} worse than {baseline} on the same backbone with p < .05: two-sided Wilcoxon "
            f"signed-rank test over {_numbers({trial.seeds for trial in able})} paired seeds, Holm-adjusted in each "
            f"column over the {_numbers({trial.comparisons for trial in able})} compared on the backbone."
        )
    texts += [_too_few(unable, baseline)] if unable else []
    absent = sorted({trial.backbone for trial in trials if not trial.comparisons})
    if absent:
        texts.append(f"Not compared with {baseline}, which lacks seeds there: {', '.join(absent)}.")
    return " ".join(texts)


def _too_few(unable: Sequence[tuple[int, int]], baseline: str) -> str:
    seeds, comparisons = {pair[0] for pair in unable}, {pair[1] for pair in unable}
    family = f", Holm-adjusted over {_numbers(comparisons)} comparisons," if comparisons != {1} else ""
    smallest = sorted({smallest_p(*pair) for pair in unable})
    needed = sorted({pairs_needed(count) for count in comparisons})
    return (
        f"No stars against {baseline} from {_numbers(seeds)} paired seed{'' if seeds == {1} else 's'}: the smallest "
        f"p-value of the two-sided Wilcoxon signed-rank test{family} is {' or '.join(f'{p:.3g}' for p in smallest)}; "
        f"p < .05 takes {' or '.join(map(str, needed))} seeds."
    )


def _numbers(values: set[int]) -> str:
    return " or ".join(map(str, sorted(values)))
