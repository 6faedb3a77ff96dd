"""The budget counts on a made-up clock, and what the event log of a folder tells of earlier runs."""

import json
from pathlib import Path

from mtlbench.advice.announcing import announcement, shortage
from mtlbench.advice.budget import Budget, spent_in
from mtlbench.advice.choosing import Choice
from mtlbench.advice.planning import Pace, least, plan
from mtlbench.records.event_log import NAME

CHOICES = [Choice("first", "made for this", 1.0), Choice("second", "that too", 2.0)]


def test_a_budget_is_over_when_what_was_spent_before_and_now_fills_it() -> None:
    now = [1000.0]
    budget = Budget(60, spent=20, clock=lambda: now[0])
    assert (budget.spent, budget.left, budget.over()) == (20, 40, False)
    now[0] += 40
    assert (budget.left, budget.over()) == (0, True)


def test_earlier_runs_count_from_their_first_to_their_last_event_also_where_they_were_killed(tmp_path: Path) -> None:
    events = [
        {"utc": "2024-05-31T10:00:00.000+00:00", "run": "a", "kind": "study-started"},
        {"utc": "2024-05-31T10:00:30.500+00:00", "run": "a", "kind": "run-ended"},
        {"utc": "2024-05-31T12:00:00.000+00:00", "run": "b", "kind": "study-started"},
        {"utc": "2024-05-31T12:00:10.000+00:00", "run": "b", "kind": "cell-finished"},
        {"utc": "no time", "run": "b", "kind": "cell-finished"},
    ]
    (tmp_path / NAME).write_text("\n".join(map(json.dumps, events)) + '\n{"utc": "2024-05')
    assert spent_in(tmp_path) == 40.5
    assert spent_in(tmp_path / "none") == 0


def test_the_plan_is_said_with_its_reasons_and_what_has_no_room() -> None:
    found = plan(CHOICES, Pace(10.0), 1, 200)
    said = announcement(found, Pace(10.0), Budget(200), "constant")
    assert max(map(len, said.splitlines())) <= 100
    said = " ".join(said.split())
    plan_of_two = "Plan: constant and 1 other weighting, at their defaults, 6 paired seeds: at most 12 trainings, "
    assert f"{plan_of_two}1 at a time" in said
    assert "first made for this (a training takes about 1.0 times as long)" in said
    assert "No room for second." in said
    tuned = announcement(plan(CHOICES, Pace(1.0), 1, 900), Pace(1.0), Budget(900), "constant")
    assert "constant and 2 other weightings, each tuned over 20 trials, 10 paired seeds" in " ".join(tuned.split())


def test_a_budget_that_cannot_tell_says_which_one_could() -> None:
    pace = Pace(10.0)
    first = least(CHOICES, pace, 1)
    said = shortage(first, pace, Budget(60, spent=15))
    # A minute, and the 156 seconds that twelve trainings take at the most.
    assert said.endswith("The same command with --minutes 4 goes on from here.")
    assert "1 min cannot tell: 6 paired seeds, which a test needs, of 2 weightings do not fit" in said
    assert "The rest has no room for a comparison." in announcement(None, pace, Budget(60), "constant")
    assert "nothing to compare" in shortage(None, pace, Budget(60))
