"""The figures of docs/studies/tuned.md are those of the committed records of its board."""

import re
from pathlib import Path

import numpy as np
import pytest

from mtlbench.leaderboards.boards.board import Board, Contrast
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.publishing import read_records, searches_of
from mtlbench.statistics import mean_interval

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "leaderboards" / "kuairand-tuned.md"
TEXT = " ".join((ROOT / "docs" / "studies" / "tuned.md").read_text(encoding="utf-8").replace("*", "").split())
"""Without emphasis."""
SHARED, TUNED = "Shared Bottom", "Shared Bottom [trials=12]"


@pytest.fixture(scope="module")
def board() -> Board:
    [found] = contrasted(boards(read_records(BOARD)))
    return found


def marked(board: Board) -> dict[tuple[str, str], Contrast]:
    """Of each method and task the comparison that carries a mark."""
    return {
        (row.method.replace("-Shared Bottom", ""), column[0]): contrast
        for row in board.rows
        for column in board.primaries
        for contrast in row.values[column].contrasts
        if contrast.mark
    }


def interval(contrast: Contrast) -> str:
    """Without sign, as the page writes it."""
    estimate = contrast.difference.estimate
    return f"{abs(estimate.value):.4f} ± {estimate.half_width:.4f}".replace("0.", ".")


def test_what_carries_a_mark_is_what_the_page_claims(board: Board):
    found = marked(board)
    assert {key for key, contrast in found.items() if contrast.mark in "*†"} == {
        ("CAGrad", "like"),
        ("CAGrad", "profile_enter"),
        ("Nash-MTL", "like"),
        ("UW", "like"),
        ("UW", "comment_open"),
        ("Nash-MTL [trials=12]", "like"),
        ("FAMO [trials=12]", "profile_enter"),
    }
    harmed = {key for key, contrast in found.items() if contrast.mark in "°‡"}
    assert {method for method, _ in harmed} == {"GradNorm", "GradNorm [trials=12]"}
    assert len(harmed) == 4 + 1
    nash, famo = found["Nash-MTL [trials=12]", "like"], found["FAMO [trials=12]", "profile_enter"]
    assert f"Nash-MTL gains {interval(nash)} in like (p = {nash.adjusted:.3f})".replace("0.", ".") in TEXT
    assert f"FAMO {interval(famo)} in profile enter (p = {famo.adjusted:.3f}".replace("0.", ".") in TEXT
    assert f"it loses {interval(found['GradNorm [trials=12]', 'comment_open'])[:5]} in comment open" in TEXT
    assert f"all {len(board.tested)} comparisons" in TEXT


def test_the_gains_in_the_mean_over_tasks(board: Board):
    means = {
        row.method: np.mean([row.values[column].seeds for column in board.primaries], axis=0) for row in board.rows
    }
    for method, base in (
        (TUNED, SHARED),
        ("Nash-MTL-Shared Bottom", SHARED),
    ):
        gain = mean_interval(means[method] - means[base])
        assert f"{gain.value:.4f} ± {gain.half_width:.4f}".replace("0.", ".") in TEXT
    beside = []
    for method in ("Nash-MTL", "FAMO"):
        gain = mean_interval(means[f"{method}-Shared Bottom [trials=12]"] - means[TUNED])
        assert f"{gain.value:.4f}" == "0.0029"
        beside.append(f"{method} ± {gain.half_width:.4f}".replace("0.", "."))
    assert f".0029 ({', '.join(beside)})" in TEXT
    ahead = mean_interval(means[TUNED] - means["Nash-MTL-Shared Bottom"])
    assert f"by {ahead.value:.4f} ± {ahead.half_width:.4f}".replace("0.", ".") in TEXT
    own = {
        name: np.mean(means[f"{name} [trials=12]"] - means[name]) for name in means if f"{name} [trials=12]" in means
    }
    least, most = min(own, key=lambda name: own[name]), max(own, key=lambda name: own[name])
    assert (least, most) == ("DB-MTL-Shared Bottom", "GradNorm-Shared Bottom")
    assert f"adds {own[least]:.4f} (DB-MTL) to {own[most]:.4f} (GradNorm)".replace("0.", ".") in TEXT
    untuned = {method: values.mean() for method, values in means.items() if "trials" not in method}
    assert max(untuned, key=lambda method: untuned[method]) == "Nash-MTL-Shared Bottom"


def test_what_the_searches_chose_and_cost():
    searches = {search.weighting.name: search for search in searches_of(BOARD)}
    assert sum(search.chosen == 8 for search in searches.values()) == 8
    constant, drawn = searches["constant"].trials, searches["scalarization"]
    assert drawn.chosen == 0
    assert sum(one.score < other.score for one, other in zip(drawn.trials[1:], constant[1:], strict=True)) == 10
    leads = {name: np.diff(sorted(trial.score for trial in search.trials)[-2:])[0] for name, search in searches.items()}
    assert max(leads, key=lambda name: leads[name]) == "gradnorm"
    assert [f"{leads[name]:.3f}" for name in ("gradnorm", "famo", "constant")] == ["0.012", "0.008", "0.003"]
    records = {record.cell: record for record in read_records(BOARD)}
    noise = {}
    for name, search in searches.items():
        reports = [records[report.cell].metrics["validation"].values() for report in search.reports]
        noise[name] = np.sqrt(2) * np.std([np.mean([task["auc"] for task in tasks]) for tasks in reports], ddof=1)
    unsure = [name for name in searches if leads[name] < noise[name]]
    assert sorted(unsure) == ["constant", "pcgrad", "rmtl", "uncertainty"]
    named = ("constant", "pcgrad", "uncertainty")
    for values in (leads, noise):
        first, second, third = (f"{values[name]:.3f}"[1:] for name in named)
        assert f"{first}, {second} and {third}" in TEXT
    table = dict(re.findall(r"\| ([\w-]+) \| ([\d.]+) \| [\d.]+ \|", TEXT))
    assert len(table) == 10
    steps = {name: sum(trial.steps for trial in search.trials) for name, search in searches.items()}
    for name, times in table.items():
        assert float(times) == pytest.approx(steps[name.lower()] / steps["constant"], abs=0.006)
