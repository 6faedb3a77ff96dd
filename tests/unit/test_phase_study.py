"""The tool of the phase study: the grid of gains, the table of means, and the maps."""

import sys
from pathlib import Path

import pytest
from record_factory import runs

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import phase

POINTS = [(conflict, rarest, tasks) for conflict in (0.1, 0.9) for rarest in (0.05, 0.3) for tasks in (4, 8)]


@pytest.fixture
def found() -> phase.Grid:
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
    return phase.grid(records)


def test_the_grid_has_each_weightings_gain_at_each_point(found):
    assert set(found) == {(conflict, rarest, 1.0, tasks) for conflict, rarest, tasks in POINTS}
    for (conflict, *_), gains in found.items():
        assert gains["FAMO"].estimate.value == pytest.approx(1.0 if conflict == 0.9 else 0.0)
        assert gains["UW"].estimate.value == 0


def test_the_table_has_means_over_logs_and_at_each_level(found):
    lines = {line.split(" | ")[0].strip("| "): line for line in phase.report(found)}
    assert (
        "| 8 | +0.50 ± 0.45 | +0.00 ± 0.00 |" in lines["all"]
    )  # half of eight logs gain 1: sd .5345, t .975 of 7 2.365
    assert lines["conflict 0.1"] == "| conflict 0.1 | 4 | +0.00 ± 0.00 | +0.00 ± 0.00 |"
    assert lines["conflict 0.9"] == "| conflict 0.9 | 4 | +1.00 ± 0.00 | +0.00 ± 0.00 |"
    assert list(lines)[-2:] == ["tasks 4", "tasks 8"]


def test_the_maps_say_what_was_found(found, tmp_path):
    pytest.importorskip("matplotlib")
    phase.draw(found, tmp_path / "phase.svg")
    text = (tmp_path / "phase.svg").read_text()
    assert text.count("+1.0<") == 4
    assert text.count("+0.0<") == 12
    assert "8 tasks" in text
    assert "rarest 0.05, noise 1" in text
