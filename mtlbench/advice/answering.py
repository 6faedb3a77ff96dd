"""From what was trained to the answer: its page, its JSON, and the lines to paste."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from mtlbench.advice.choosing import Choice
from mtlbench.advice.facts import LogFacts
from mtlbench.advice.judging import Judged, judge
from mtlbench.advice.measuring import Measured
from mtlbench.advice.page import Tried, headline, label, page, rows_of
from mtlbench.advice.pasting import PLAIN, constant_weights, lines_for
from mtlbench.advice.trying import Lab
from mtlbench.api import Trouble
from mtlbench.config.parameters import params_text
from mtlbench.leaderboards.boards.board import Board, Row
from mtlbench.leaderboards.boards.naming import method_name
from mtlbench.leaderboards.publishing import PageOptions, publish, read_records, searches_of, write_file
from mtlbench.leaderboards.tables.verdict import verdict
from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.records.tuned import STAGE, is_tuned
from mtlbench.scaffold.project import RESULTS

PAGE, DATA = "advice.md", "advice.json"
SERIOUS = ("--trials", "20", "--seeds", "10", "--epochs", "40", "--patience", "5")
"""Of the study that the page proposes next."""


@dataclass(frozen=True)
class Advice:
    """The answer: shows itself as its page."""

    verdict: str
    """``weighting``, ``constant``, ``trade-off`` or ``cannot tell``."""
    use: str
    """The method to use, as leaderboards name it."""
    text: str
    """The page, in Markdown."""
    code: str
    """Python to paste into a training loop."""
    out: Path
    """The folder of the page, and of the records behind it."""

    def __str__(self) -> str:
        """The page."""
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True)
class Asked:
    """A log, and what was found on it before weightings were tried."""

    log: str
    """Its name."""
    lab: Lab
    facts: LogFacts
    measured: Measured
    shown: Mapping[Trouble, str]
    choices: Sequence[Choice]
    """The weightings that were chosen for it."""


def answer(asked: Asked, shortage: str) -> Advice:
    """Write the answer, and give it.

    Args:
        asked: the log.
        shortage: why there is no comparison, where there is none.
    """
    lab, results = asked.lab, asked.lab.folder / RESULTS
    board, records = _board(results), read_records(results)
    judged = _judged(board, records)
    found = _found(judged.use, records, searches_of(results)) if judged else None
    settings = params_text({name.replace("_", " "): value for name, value in found.common.items()}) if found else ""
    code = PLAIN if judged is None or judged.use is judged.baseline or found is None else _code(asked, found)
    sure = verdict(board) if judged else shortage
    left_out = _left_out(asked.choices, judged)
    costs = {label(row): _training_seconds(row, records) for row in rows_of(judged)}
    tried = Tried(judged, sure, settings, costs, tuple(left_out))
    following = _next(asked)
    text = page(asked.log, asked.facts, asked.measured, list(asked.shown.values()), tried, code, following)
    use = label(judged.use) if judged else lab.baseline
    advice = Advice(judged.verdict if judged else "cannot tell", use, text, code, lab.folder)
    content = {
        "log": asked.log,
        "verdict": advice.verdict,
        "headline": headline(judged),
        "use": use,
        "code": code,
        "settings": found.common if found else {},
        "sure": sure,
        "compared": _compared(judged),
        "left_out": list(left_out),
        "seconds_of_a_training": costs,
        "minutes": {"budget": lab.budget.seconds / 60, "spent": lab.budget.spent / 60},
        "facts": asdict(asked.facts),
        "measured": asdict(asked.measured),
        "troubles": dict(asked.shown),
        "next": following,
    }
    write_file(lab.folder / PAGE, text.encode())
    write_file(lab.folder / DATA, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    return advice


@dataclass(frozen=True)
class _Found:
    """The row to use, as it was trained."""

    name: str
    """Of the weighting."""
    params: Mapping[str, Any]
    """Of the weighting, those that are not the defaults."""
    common: Mapping[str, Any]
    """What trials found of the settings that all methods share."""
    sample: Record


def _board(results: Path) -> Board:
    """The board of the advice; it has one log and one protocol."""
    [board] = [board for table in publish(results, PageOptions()) for board in table.boards][:1]
    return board


def _found(row: Row, records: Sequence[Record], searches: Sequence[Search]) -> _Found | None:
    sample = next((one for one in records if one.status == "done" and method_name(one) == row.method), None)
    if sample is None:
        return None
    params = dict(sample.weighting.changed.items())
    if not is_tuned(sample):
        return _Found(sample.weighting.name, params, {}, sample)
    search = next((one for one in searches if any(report.cell == sample.cell for report in one.reports)), None)
    if search is None or search.winner is None:
        return None
    winner = search.winner
    own = {**search.weighting.changed, **winner.weighting}
    return _Found(sample.weighting.name, own, {**winner.training, **winner.backbone}, sample)


def _code(asked: Asked, found: _Found) -> str:
    lab = asked.lab
    rate = float(found.common.get("learning_rate", found.sample.training["learning_rate"]))
    weights = constant_weights(found.sample)
    return lines_for(lab.catalogue, found.name, found.params, lab.splits.schema.tasks, rate, weights, "quick")


def _training_seconds(row: Row, records: Sequence[Record]) -> float:
    """Seconds of one training, without the search before it, mean over seeds."""
    own = [one for one in records if one.status == "done" and method_name(one) == row.method]
    return fmean(sum(stage.seconds for stage in one.spend if stage.stage != STAGE) for one in own) if own else 0.0


def _compared(judged: Judged | None) -> list[dict[str, Any]]:
    if judged is None:
        return []
    return [
        {
            "method": label(rival.row),
            "task": task,
            "metric": metric,
            "difference": contrast.difference.estimate.value,
            "interval": [contrast.difference.estimate.low, contrast.difference.estimate.high],
            "p": contrast.adjusted,
            "verdict": contrast.verdict,
        }
        for rival in judged.rivals
        for (task, metric), contrast in rival.contrasts.items()
    ]


def _judged(board: Board, records: Sequence[Record]) -> Judged | None:
    """The verdict on the tuned rows; where none of them is compared, on those at defaults."""
    for tuned in (True, False):
        found = judge(board, records, tuned)
        if found is not None and any(rival.contrasts for rival in found.rivals):
            return found
    return None


def _left_out(choices: Sequence[Choice], judged: Judged | None) -> list[str]:
    """The chosen weightings that are not compared."""
    rows = [rival.row for rival in judged.rivals if rival.contrasts] if judged else []
    compared = {row.sample.weighting.name for row in rows if row.sample}
    return [one.name for one in choices if one.name not in compared]


def _next(asked: Asked) -> str:
    keys, lab = asked.lab.keys, asked.lab
    names = [lab.baseline, *(one.name for one in asked.choices)]
    words = ["mtlbench", "run", "--dataset", keys["datasets"][0], "--backbone", keys["backbones"][0]]
    words += ["--weighting", ",".join(names), *SERIOUS, "--out", str(lab.folder / "serious")]
    words += [word for file in keys["plugins"] for word in ("--plugin", str(file))]
    return shlex.join(words)
