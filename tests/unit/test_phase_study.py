"""The tools of the phase study: the gains on a grid of logs, the table of means, the maps, and where logs lie."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from record_factory import runs

from mtlbench.advice.conflict import Cosines, Pair
from mtlbench.advice.facts import LogFacts, TaskFacts
from mtlbench.advice.measuring import Measured

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import measure
import phase

POINTS = [(conflict, rarest, tasks) for conflict in (0.1, 0.9) for rarest in (0.05, 0.3) for tasks in (4, 8)]
HEADS = ["log", "tasks", "rarest", "losses", "cosine", "least"]


@pytest.fixture
def found() -> pd.DataFrame:
    """FAMO gains 1 % at conflict 0.9 and nothing else does; scale is at the default, which records leave out."""
    records = []
    for conflict, rarest, tasks in POINTS:
        log = {"conflict": conflict, "rarest": rarest, "tasks": tasks}
        seeds = [0.70 + seed / 1000 for seed in range(6)]
        factor = 1.01 if conflict == 0.9 else 1.0
        cells = runs("MMoE", seeds, dataset_changed=log, fingerprint=str(POINTS.index((conflict, rarest, tasks))))
        cells += runs(
            "FAMO-MMoE", [factor * auc for auc in seeds], dataset_changed=log, fingerprint=cells[0].dataset.fingerprint
        )
        cells += runs("UW-MMoE", seeds, dataset_changed=log, fingerprint=cells[0].dataset.fingerprint)
        records += cells
    return phase.gains(records)


def test_the_file_has_each_weightings_gain_at_each_point(found):
    assert set(found[list(phase.FACTORS)].itertuples(index=False, name=None)) == {
        (conflict, rarest, 1.0, float(tasks)) for conflict, rarest, tasks in POINTS
    }
    assert not found["tuned"].any()
    famo, uw = (found[found["weighting"] == name] for name in ("FAMO", "UW"))
    assert famo["gain"].tolist() == pytest.approx([1.0 if conflict == 0.9 else 0.0 for conflict in famo["conflict"]])
    assert uw["gain"].tolist() == [0.0] * len(POINTS)


def test_the_table_has_means_over_logs_and_at_each_level(found):
    lines = {line.split(" | ")[0].strip("| "): line for line in phase.report(found, tuned=False)}
    assert (
        "| 8 | +0.50 ± 0.45 | +0.00 ± 0.00 |" in lines["all"]
    )  # half of eight logs gain 1: sd .5345, t .975 of 7 2.365
    assert lines["conflict 0.1"] == "| conflict 0.1 | 4 | +0.00 ± 0.00 | +0.00 ± 0.00 |"
    assert lines["conflict 0.9"] == "| conflict 0.9 | 4 | +1.00 ± 0.00 | +0.00 ± 0.00 |"
    assert lines["conflict 0.9, not 0.1"] == "| conflict 0.9, not 0.1 | 4 | +1.00 ± 0.00 | +0.00 ± 0.00 |"
    assert lines["tasks 8, not 4"] == "| tasks 8, not 4 | 4 | +0.00 ± 0.00 | +0.00 ± 0.00 |"


def test_the_maps_say_what_was_found(found, tmp_path):
    pytest.importorskip("matplotlib")
    phase.draw_maps(found, tmp_path / "phase.svg", tuned=False)
    text = (tmp_path / "phase.svg").read_text()
    assert text.count("+1.0<") == 4
    assert text.count("+0.0<") == 12
    assert "8 tasks" in text
    assert "rarest 0.05, noise 1" in text


def test_a_log_lies_where_it_was_measured():
    facts = LogFacts(
        {"train": 10},
        (
            TaskFacts("click", "binary", {}, {}, mean=0.98, share_observed=1.0),
            TaskFacts("price", "real", {}, {}, mean=50.0, share_observed=1.0),
        ),
    )
    pairs = (Pair(("click", "price"), 0.4, 0.1, 0.0), Pair(("price", "stay"), -0.2, 0.1, 0.9))
    cosines = Cosines(pairs, 32, mean=0.1, error=0.07)
    found = Measured("c", 1.0, 0.5, {}, {"click": 0.1, "price": 0.62}, {}, {}, cosines)
    assert measure.place(facts, found) == {
        "tasks": 2,
        "rarest": 0.02,
        "losses": 6.2,
        "cosine": 0.1,
        "error": 0.07,
        "least": -0.2,
        "batches": 32,
    }


def test_the_map_of_logs_names_the_real_ones(tmp_path):
    pytest.importorskip("matplotlib")
    places = pd.DataFrame(
        [
            ("synthetic[conflict=0.5,tasks=4]", 4, 0.3, 5.0, -0.1, -0.2),
            ("kuairand[tasks=feedback]", 6, 0.02, 8.0, 0.1, 0.0),
            ("complete-journey[households=300]", 5, 0.01, 8.0, 0.0, -0.1),
        ],
        columns=HEADS,
    ).set_index("log")
    phase.draw_where(places, tmp_path / "where.svg")
    text = (tmp_path / "where.svg").read_text()
    assert ">kuairand[tasks=feedback]<" in text
    assert ">complete-journey<" in text
    assert "generated, conflict 0.5" in text
    assert "synthetic" not in text
