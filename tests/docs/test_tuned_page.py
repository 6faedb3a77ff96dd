"""What docs/studies/tuned.md says of its board, beside the figures that test_stated_results.py holds."""

import re

import pytest
from published import TUNED, board, searches, text_of

TEXT = text_of("docs/studies/tuned.md")


def test_what_carries_a_mark_is_what_the_page_claims():
    found = {
        (row.method.replace("-Shared Bottom", ""), column[0]): contrast.mark
        for row in board(TUNED).rows
        for column in board(TUNED).primaries
        for contrast in row.values[column].contrasts
        if contrast.mark
    }
    assert {key for key, mark in found.items() if mark in "*†"} == {
        ("CAGrad", "like"),
        ("CAGrad", "profile_enter"),
        ("Nash-MTL", "like"),
        ("UW", "like"),
        ("UW", "comment_open"),
        ("Nash-MTL [trials=12]", "like"),
        ("FAMO [trials=12]", "profile_enter"),
    }
    harmed = {key for key, mark in found.items() if mark in "°‡"}
    assert {method for method, _ in harmed} == {"GradNorm", "GradNorm [trials=12]"}
    assert len(harmed) == 4 + 1


def test_what_the_searches_chose_and_cost():
    found = searches(TUNED)
    assert sum(search.chosen == 8 for search in found.values()) == 8
    constant, drawn = found["constant"].trials, found["scalarization"]
    assert drawn.chosen == 0
    assert sum(one.score < other.score for one, other in zip(drawn.trials[1:], constant[1:], strict=True)) == 10
    table = dict(re.findall(r"\| ([\w-]+) \| ([\d.]+) \| [\d.]+ \|", TEXT))
    assert len(table) == 10
    steps = {name: sum(trial.steps for trial in search.trials) for name, search in found.items()}
    for name, times in table.items():
        assert float(times) == pytest.approx(steps[name.lower()] / steps["constant"], abs=0.006)
