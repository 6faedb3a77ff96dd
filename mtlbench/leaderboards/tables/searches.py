"""What the searches of a board found, and what they cost."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields

from mtlbench.cells import Training
from mtlbench.config.parameters import params_text, value_text
from mtlbench.leaderboards.boards.board import MISSING, Board
from mtlbench.leaderboards.boards.naming import natural, told_apart
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell
from mtlbench.records.searches import Search
from mtlbench.records.trials import Trial
from mtlbench.records.tuned import HALVING, SEARCHES, SPACE
from mtlbench.statistics.expected_best import expected_best
from mtlbench.text import one_line

_DEFAULTS = {one.name: one.default for one in fields(Training)}
"""Of settings that the record of a search does not name."""

BY_HALVING = (
    "Halving: all trials were trained for a fifth of the epochs, and the best quarter of them alone to the end. So it "
    "is not known what fewer trials would have found."
)

FEWER = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Numbers of trials whose expected best is shown, up to that of the search."""


def search_tables(board: Board, searches: Sequence[Search]) -> list[Table]:
    """The settings that the searches of ``board`` found, and what they cost; none where there are no searches."""
    ended = in_order(search for search in searches if search.trials)
    return [_settings_table(board, ended), _cost_table(board, ended)] if ended else []


def in_order(searches: Iterable[Search]) -> list[Search]:
    """Baselines first, then by weighting, backbone and number, as the rows of a board."""
    return sorted(searches, key=_order)


def _order(search: Search) -> tuple[object, ...]:
    return (
        not search.baseline,
        natural(search.weighting.label),
        natural(_name(search)),
        search.halving,
        search.space_key,
    )


def search_names(searches: Sequence[Search]) -> list[str]:
    """What each is called; where only the ways of searching make the difference, that is added in parentheses."""
    ways = [{SEARCHES: one.searches, HALVING: one.halving, SPACE: one.space_key} for one in searches]
    return told_apart(list(map(_name, searches)), ways)


def _name(search: Search) -> str:
    """The method of a search, with the parameters that the user set, and its number where there are several."""
    changed = "; ".join(params_text(use.changed) for use in (search.backbone, search.weighting) if use.changed)
    number = f", search {search.number}" if search.searches > 1 else ""
    return f"{one_line(search.method)}{f' [{changed}]' if changed else ''}{number}"


def values_of(search: Search) -> list[float]:
    """The score of each trial that has one, in the order of the trials; a trial without one counts as the worst.

    None under halving: short trainings do not tell what any trial would have scored.
    """
    if search.halving:
        return []
    known = [trial.score for trial in search.trials if trial.score is not None]
    worst = min(known, default=math.nan)
    return [worst if trial.score is None else trial.score for trial in search.trials] if known else []


def _settings_table(board: Board, searches: Sequence[Search]) -> Table:
    common = list(dict.fromkeys(name for search in searches for name in search.space if "." not in name))
    lines = tuple(
        Line((TableCell(name),), _setting(search, common))
        for name, search in zip(search_names(searches), searches, strict=True)
    )
    spaces: dict[str, dict[str, None]] = {}
    for search in searches:
        for name, text in search.space.items():
            spaces.setdefault(one_line(name), {})[one_line(text)] = None
    searched = "; ".join(f"{name} {' or '.join(texts)}" for name, texts in spaces.items())
    caption = (
        "The settings with the best validation score of each method's trials, which its tuned row has. Trial 0 has the "
        "method's settings before the search. Trial j has the same common settings for every method.",
        f"Searched: {searched}.",
    )
    heads = (Head("", "trial"), *(Head("", one_line(name.replace("_", " "))) for name in common), Head("", "its own"))
    return Table(f"{board.title}: settings found", caption, ("Method",), heads, lines)


def _setting(search: Search, common: Sequence[str]) -> tuple[TableCell, ...]:
    won = search.winner
    if won is None:
        return (TableCell("none", quiet=True), *[TableCell(MISSING, quiet=True)] * (len(common) + 1))
    shared = {**_DEFAULTS, **search.training, **search.backbone.params, **won.training, **won.backbone}
    cells = [TableCell(_value(shared[name])) if name in shared else TableCell(MISSING, quiet=True) for name in common]
    own = {
        name: {**use.params, **found}.get(name)
        for use, found in ((search.backbone, won.backbone), (search.weighting, won.weighting))
        for name in _own(use.name, search)
    }
    text = ", ".join(f"{one_line(name)}={_value(value)}" for name, value in own.items())
    return (TableCell(str(won.number)), *cells, TableCell(text or MISSING, quiet=not text))


def _own(plugin: str, search: Search) -> list[str]:
    """The searched parameters of a plugin's own."""
    return [name.removeprefix(f"{plugin}.") for name in search.space if name.startswith(f"{plugin}.")]


def _cost_table(board: Board, searches: Sequence[Search]) -> Table:
    most = max(len(search.trials) for search in searches)
    counts = [n for n in FEWER if n < most] + [most]
    caption = (
        "What the trials of each search cost, all stages counted, and the validation score that it chose by, "
        f"{_objective(searches[0])}: that of trial 0, and the expected best of n trials, the mean over all ways to "
        "draw n of its trials. A trial without a result counts as the worst of the others.",
        *([BY_HALVING] if any(search.halving for search in searches) else []),
    )
    heads = (
        *(Head("", name) for name in ("trials", "failed", "steps", "seconds", "trial 0")),
        *(Head("expected best of", str(n)) for n in counts),
    )
    lines = tuple(
        Line((TableCell(name),), _costs(search, counts))
        for name, search in zip(search_names(searches), searches, strict=True)
    )
    return Table(f"{board.title}: cost of the searches", caption, ("Method",), heads, lines)


def _costs(search: Search, counts: Sequence[int]) -> tuple[TableCell, ...]:
    trials, values = search.trials, values_of(search)
    best = expected_best(values)
    failed = sum(trial.score is None for trial in trials)
    ended = f", {sum(not trial.stopped for trial in trials)} to the end" if search.halving else ""
    trainings = [one for trial in trials for one in trial.trainings]
    return (
        TableCell(f"{len(trials)}{ended}"),
        TableCell(str(failed)),
        TableCell(f"{sum(one.steps for one in trainings):,}"),
        TableCell(f"{sum(one.seconds for one in trainings):,.0f}"),
        _score(trials[0]),
        *(TableCell(f"{best[n - 1]:.4f}") if n <= len(best) else TableCell(MISSING, quiet=True) for n in counts),
    )


def _score(trial: Trial) -> TableCell:
    return TableCell(MISSING, quiet=True) if trial.full_score is None else TableCell(f"{trial.full_score:.4f}")


def _objective(search: Search) -> str:
    text = str(search.training.get("objective", "mean"))
    return "the mean of the tasks' primary metrics" if text == "mean" else f"the objective {one_line(text)}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else one_line(value_text(value))
