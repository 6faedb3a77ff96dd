"""What docs/studies/tuned.md says of its board, beside its figures (test_results.py)."""

import re

import numpy as np
import pytest
from published import TUNED, board, rows, scores, searches, text_of

from mtlbench.leaderboards.boards.board import Contrast

TEXT = text_of("docs/studies/tuned.md")


def marked() -> dict[tuple[str, str], Contrast]:
    """Of each method and task the comparison that carries a mark."""
    return {
        (row.method.replace("-Shared Bottom", ""), column[0]): contrast
        for row in board(TUNED).rows
        for column in board(TUNED).primaries
        for contrast in row.values[column].contrasts
        if contrast.mark
    }


def test_what_carries_a_mark_is_what_the_page_claims():
    found = marked()
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


def test_the_best_at_its_defaults_in_the_mean_over_tasks():
    means = {
        method: np.mean([scores(TUNED, method, task) for task, _ in board(TUNED).primaries])
        for method in rows(TUNED)
        if "trials" not in method
    }
    assert max(means, key=lambda method: means[method]) == "Nash-MTL-Shared Bottom"


def test_what_the_searches_chose_and_cost():
    found = searches(TUNED)
    assert sum(search.chosen == 8 for search in found.values()) == 8
    constant, drawn = found["constant"].trials, found["scalarization"]
    assert drawn.chosen == 0
    assert sum(one.score < other.score for one, other in zip(drawn.trials[1:], constant[1:], strict=True)) == 10
    leads = {name: np.diff(sorted(trial.score for trial in search.trials)[-2:])[0] for name, search in found.items()}
    assert max(leads, key=lambda name: leads[name]) == "gradnorm"
    assert [f"{leads[name]:.3f}" for name in ("gradnorm", "famo", "constant")] == ["0.012", "0.008", "0.003"]
    table = dict(re.findall(r"\| ([\w-]+) \| ([\d.]+) \| [\d.]+ \|", TEXT))
    assert len(table) == 10
    steps = {name: sum(trial.steps for trial in search.trials) for name, search in found.items()}
    for name, times in table.items():
        assert float(times) == pytest.approx(steps[name.lower()] / steps["constant"], abs=0.006)
