"""What a tracker is told of a cell is what the cell's record says."""

import time
from pathlib import Path

import pytest

from mtlbench.config.plan import SEARCH_SEEDS
from mtlbench.experiments.tracked_cells import tracked_cell
from mtlbench.records import Record

OUT = Path("/results")


def test_a_cell_has_names_tags_and_parameters(done: Record) -> None:
    before = time.time()
    cell = tracked_cell(done, 2.5, OUT)
    assert cell.name == "rmtl[lambda=0.5]/mmoe/synthetic/seed0"
    assert cell.path == f"rmtl/mmoe/synthetic/seed0-{done.cell[:12]}"
    assert (cell.status, cell.reason) == ("done", None)
    assert before <= cell.ended <= time.time()
    assert cell.ended - cell.began == pytest.approx(2.5)
    assert cell.tags["cell"] == done.cell
    assert cell.tags["record"] == f"/results/records/synthetic.mmoe.rmtl.seed0.{done.cell[:12]}.json"
    assert (cell.tags["method"], cell.tags["status"], cell.tags["seed"]) == ("RMTL-MMoE", "done", "0")
    assert cell.parameters == {
        "weighting": "rmtl",
        "backbone": "mmoe",
        "dataset": "synthetic",
        "weighting.size": 16,
        "weighting.lambda": 0.5,
        "backbone.size": 16,
        "dataset.rows": 1,
        "training.epochs": 10,
        "training.patience": 2,
        "training.batch_size": 2048,
        "training.learning_rate": 0.001,
        "seed": 0,
        "preset": "quick",
    }


def test_curves_have_a_step_for_each_validation_and_no_number_that_is_not_known(done: Record) -> None:
    points = tracked_cell(done, 1.0, OUT).points
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert points[0].values == {
        "epoch": 1.0,
        "train/click/loss": 0.4,
        "train/pay/loss": 0.2,
        "validation/click/auc": 0.6,
        "validation/pay/auc": 0.5,
        "weight/click": 0.1,
        "weight/pay": 1.0,
        "series/critic loss": 0.9,
    }
    assert points[1].values["epoch"] == 1.5  # within an epoch: passes over the training split
    assert not {"validation/pay/auc", "series/critic loss"} & set(points[1].values)
    assert not [name for name in points[2].values if name.startswith("weight/")]
    assert points[3].values == {"series/critic loss": 0.4}


def test_scores_are_those_of_the_test_split_and_of_the_state_that_was_chosen(done: Record) -> None:
    scores = tracked_cell(done, 1.0, OUT).scores
    assert scores["test/click/auc"] == scores["selected/pay/auc"] == 0.7
    assert (scores["spend/steps"], scores["spend/rows"], scores["spend/seconds"]) == (100, 1000, 1.5)
    logged = {name: value for name, value in scores.items() if name.startswith("diagnostics/")}
    assert logged == {
        "diagnostics/converged": 1.0,
        "diagnostics/q mean/click": 0.1,
        "diagnostics/angles/0": 1.0,
        "diagnostics/angles/1": 2.0,
        "diagnostics/angles/2": 3.0,
    }


def test_a_failed_cell_has_its_reason_and_no_score(failed: Record) -> None:
    cell = tracked_cell(failed, 1.0, OUT)
    assert (cell.status, cell.reason) == ("failed", "training diverged: | a\n| b")
    assert cell.tags["reason"] == cell.reason
    assert not [name for name in cell.scores if name.startswith(("test", "selected"))]
    assert cell.points == ()


def test_a_trial_is_named_by_its_search_and_stays_apart(done: Record) -> None:
    trials = [done.model_copy(update={"seed": SEARCH_SEEDS + 2, "cell": mark * 64}) for mark in "ab"]
    cells = [tracked_cell(trial, 1.0, OUT) for trial in trials]
    assert {cell.name for cell in cells} == {"rmtl[lambda=0.5]/mmoe/synthetic/search2"}
    assert len({cell.path for cell in cells}) == 2
