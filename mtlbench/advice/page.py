"""The answer as a page of Markdown, which is a screen of a terminal too."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtlbench.advice.facts import LogFacts, TaskFacts
from mtlbench.advice.judging import Judged, Rival
from mtlbench.advice.measuring import Measured
from mtlbench.leaderboards.boards.board import MARKS, MISSING, Contrast, Row
from mtlbench.leaderboards.boards.columns import Column, in_words, metric_of
from mtlbench.leaderboards.boards.contrasts import tuning
from mtlbench.leaderboards.boards.standing import relative_gain
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.text import counted, one_line

WIDTH = 100
HEADLINES = {
    "constant": "Use plain constant weights: nothing that was tried beats them here beyond noise.",
    "trade-off": "Use plain constant weights, unless one task matters more to you: what is better in one task is worse "
    "in another.",
    "cannot tell": "Use plain constant weights until more is known: this budget cannot tell weightings apart.",
}

SETTINGS = (
    "Found for the small networks that were trained here; set them in your optimiser and network, or tune them there"
)


@dataclass(frozen=True)
class Tried:
    """What was trained for the answer."""

    judged: Judged | None
    sure: str
    """The test behind the answer, in the words of the leaderboard."""
    settings: str
    """Of the row to use, as trials found them; empty where nothing was tuned."""
    costs: dict[str, float]
    """Weighting -> seconds of one training, mean over seeds."""
    left_out: tuple[str, ...]
    """Chosen weightings for which there was no time."""


def headline(judged: Judged | None) -> str:
    """The answer in one sentence."""
    if judged is None or judged.verdict != "weighting":
        return HEADLINES[judged.verdict if judged else "cannot tell"]
    rival = next(one for one in judged.rivals if one.row is judged.use)
    tasks = in_words([task for task, _ in rival.told("better")])
    alike = ", tuned alike," if tuning(judged.use) else ", both at their defaults,"
    return one_line(
        f"Use {label(judged.use)}: it is better than constant weights{alike} in {tasks}, and shown to be worse in no "
        "task."
    )


def label(row: Row) -> str:
    """The weighting of a row; the backbone is the same for all."""
    return row.sample.weighting.label if row.sample else row.method


def page(
    log: str, facts: LogFacts, measured: Measured, shown: Sequence[str], tried: Tried, code: str, next_command: str
) -> str:
    """The page.

    Args:
        log: its name.
        facts: of the log.
        measured: on the first training.
        shown: the troubles that the log shows, in words.
        tried: what was trained for the answer.
        code: Python to paste.
        next_command: what a serious answer takes.
    """
    parts = [
        f"# Which weighting for {one_line(log)}?",
        _wrapped(f"**{headline(tried.judged)}**"),
        "\n".join(["```python", code, "```"]),
        *([_wrapped(f"{SETTINGS}: {tried.settings}.")] if tried.settings else []),
        f"## How sure\n\n{_wrapped(tried.sure)}",
        *([_differences(tried.judged)] if tried.judged and tried.judged.rivals else []),
        *([f"No time for: {', '.join(tried.left_out)}."] if tried.left_out else []),
        *([f"## What it costs\n\n{_costs(tried)}"] if tried.costs else []),
        f"## What the log shows\n\n{_tasks(facts, measured)}",
        _wrapped(_said(facts, measured, shown)),
        f"## For a serious answer\n\n```sh\n{next_command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _differences(judged: Judged) -> str:
    """A table: each rival's difference to the baseline in each task."""
    rivals = [rival for rival in judged.rivals if rival.contrasts]
    heads = ["task", label(judged.baseline), *(label(rival.row) for rival in rivals)]
    rows = [
        [
            f"{column[0]} ({metric_of(column).label})",
            value.text,
            *(_difference(rival.contrasts.get(column), value.decimals) for rival in rivals),
        ]
        for column, value in judged.baseline.values.items()
        if any(column in rival.contrasts for rival in rivals)
    ]
    if not rows:
        return ""
    columns = [column for rival in rivals for column in rival.contrasts]
    rows.append(["mean of all, Δm %", MISSING, *(_mean(rival, judged.baseline, columns) for rival in rivals)])
    how = "each tuned alike" if tuning(judged.use) else "all at their defaults"
    marks = dict.fromkeys(contrast.place for rival in rivals for contrast in rival.contrasts.values())
    better, worse = MARKS[next(iter(marks))]
    caption = (
        f"Test split, {how}, mean over {counted(len(judged.baseline.seeds), 'paired seed')}; the others minus "
        f"{label(judged.baseline)}, ± half the 95 % interval. {better} better, {worse} worse, by the test above. "
        "The mean of all is not tested."
    )
    if judged.verdict == "constant":
        caption += " A gain within such an interval may be there: more seeds make it narrower."
    return f"{_wrapped(caption)}\n\n{markdown(heads, rows)}"


def _difference(contrast: Contrast | None, decimals: int) -> str:
    if contrast is None:
        return MISSING
    estimate = contrast.difference.estimate
    text = f"{estimate.value:+z.{decimals}f} ± {estimate.half_width:.{decimals}f}".replace("-", MINUS)
    return f"{text} {contrast.mark}".rstrip()


def _mean(rival: Rival, base: Row, columns: Sequence[Column]) -> str:
    """Delta_m: the mean over tasks of the relative gain, in percent. It is not tested here."""
    found = relative_gain(rival.row, base, list(dict.fromkeys(columns)))
    if found is None or found.interval is None:
        return MISSING
    return f"{found.mean:+z.2f} ± {found.interval.half_width:.2f}".replace("-", MINUS)


def _costs(tried: Tried) -> str:
    base, *others = tried.costs.items()
    times = [f"{method} {seconds / base[1]:.1f} times as long" for method, seconds in others if base[1] > 0]
    more = f"; {', '.join(times)}" if times else ""
    return _wrapped(f"One training under {base[0]} took {base[1]:.1f} s{more}.")


def _tasks(facts: LogFacts, measured: Measured) -> str:
    heads = ["task", "kind", "mean", "observed", "rarer label in each split", "loss: start, end"]
    return markdown(heads, [_task_row(task, measured) for task in facts.tasks])


def _task_row(task: TaskFacts, measured: Measured) -> list[str]:
    rare = ", ".join(f"{count:,}" for count in task.rarer.values()) if task.binary else MISSING
    losses = [of.get(task.name) for of in (measured.start_losses, measured.losses)]
    return [
        task.name,
        task.kind,
        f"{100 * task.mean:.3g} %" if task.binary else f"{task.mean:.4g}",
        f"{100 * task.share_observed:.3g} %",
        rare,
        ", ".join(MISSING if loss is None else f"{loss:.3g}" for loss in losses),
    ]


def _said(facts: LogFacts, measured: Measured, shown: Sequence[str]) -> str:
    rows = ", ".join(f"{name} {count:,}" for name, count in facts.rows.items())
    texts = [f"Rows: {rows}."]
    if measured.cosines is None:
        texts.append("The gradients of the tasks were not compared: nothing is shared, or there are too few batches.")
    else:
        mean, worst = measured.cosines, measured.cosines.worst
        texts.append(
            f"The gradients of the tasks have a mean cosine of {mean.mean:+.2f} ± {2 * mean.error:.2f} over "
            f"{mean.batches} batches; those of {' and '.join(worst.tasks)} lie furthest apart, "
            f"{worst.cosine:+.2f} ± {2 * worst.error:.2f}."
        )
    texts.append(f"Troubles: {'; '.join(shown)}." if shown else "None of the troubles that weightings repair.")
    return one_line(" ".join([*texts, *facts.warnings]))


def _wrapped(text: str) -> str:
    """``text`` in lines that fit a terminal."""
    return textwrap.fill(one_line(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with aligned columns."""
    cells = [[one_line(text).replace("|", "\\|") for text in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    first, *others = [_line(row, widths) for row in cells]
    return "\n".join([first, _line(["-" * width for width in widths], widths), *others])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(text.ljust(width) for text, width in zip(cells, widths, strict=True))} |"


def rows_of(judged: Judged | None) -> Iterator[Row]:
    """The rows that are compared, the baseline first."""
    if judged is not None:
        yield judged.baseline
        yield from (rival.row for rival in judged.rivals if rival.contrasts)
