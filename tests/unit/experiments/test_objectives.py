"""The objective of a study: the cells that it adds, the ids that it changes, and what it is measured against."""

from pathlib import Path
from typing import Any

import pytest

from mtlbench.api import UsageError
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.events import StudyStarted
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job
from mtlbench.experiments.matched_budgets import with_matched_budgets
from mtlbench.experiments.runner import missing, run
from mtlbench.records import Record, RecordStore
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.objective import Objective

SETTINGS: dict[str, Any] = {"datasets": "synthetic[rows=2000]", "backbones": "mmoe", "weightings": "constant"}


def jobs(tmp_path: Path, **study: Any) -> list[Job]:
    catalogue = discover(())
    return expand(Study(**{**SETTINGS, "seeds": 1, "out": tmp_path, **study}).resolve(catalogue), catalogue)


def ids(tmp_path: Path, **study: Any) -> list[str]:
    return [job.cell.id for job in jobs(tmp_path, **study)]


def test_one_meaning_gives_one_cell(tmp_path: Path):
    weighted = ids(tmp_path, objective="conversion=3,click=1")
    assert weighted == ids(tmp_path, objective="click=0.5, conversion=1.5")
    mean = ids(tmp_path)
    assert weighted != mean == ids(tmp_path, objective="mean") == ids(tmp_path, objective="click=2,conversion=2")
    assert mean == ids(tmp_path, validate_every="1")
    assert ids(tmp_path, validate_every="2") == ids(tmp_path, validate_every="2 epochs") != mean


def test_an_unknown_task_is_refused_before_anything_is_trained(tmp_path: Path):
    with pytest.raises(UsageError, match=r"dataset synthetic: .* weighs 'clik', .*did you mean 'click'"):
        jobs(tmp_path, objective="clik=1")


def test_delta_m_adds_the_single_task_baseline_of_each_seed_under_the_mean(tmp_path: Path):
    found = jobs(tmp_path, objective="delta-m", seeds=2, weightings="constant,uncertainty")
    assert [(job.cell.backbone.name, job.cell.seed, job.cell.training.objective) for job in found] == [
        ("single-task", 0, "mean"),
        ("mmoe", 0, "delta-m"),
        ("mmoe", 0, "delta-m"),
        ("single-task", 1, "mean"),
        ("mmoe", 1, "delta-m"),
        ("mmoe", 1, "delta-m"),
    ]
    first, constant, uncertainty = found[:3]
    assert constant.reference == uncertainty.reference == first.cell
    assert constant.before == (first.cell,)
    assert constant.sources == ()
    assert first.reference is None
    assert [first.cell.id, found[3].cell.id] == ids(tmp_path, backbones="single-task", seeds=2)


def test_a_recorded_reference_needs_no_checkpoint(tmp_path: Path):
    reference, cell = jobs(tmp_path, objective="delta-m")
    known: Any = {reference.cell.id: Record.model_construct(cell=reference.cell.id, status="done")}
    assert missing([reference, cell], known) == [cell]
    assert missing([reference, cell], {}) == [reference, cell]


def test_equal_budgets_are_measured_against_the_same_cell(tmp_path: Path):
    found = jobs(tmp_path, objective="delta-m")
    again = with_matched_budgets(found, {job.cell.id: 10.0 for job in found}, "steps")
    assert [job.reference for job in again] == [None, found[0].cell]


def trained(out: Path, **study: Any) -> dict[str, Record]:
    plan = Study(**{**SETTINGS, "seeds": 1, "epochs": 1, "out": out, **study}).resolve(discover(()))
    events: list[Any] = []
    run(plan, listener=events.append)
    assert any(isinstance(event, StudyStarted) for event in events)
    return {record.backbone.name: record for record in RecordStore(out).read_all()}


def test_the_record_has_the_gain_over_the_reference_whose_cost_is_not_the_methods(tmp_path: Path):
    found = trained(tmp_path, objective="delta-m")
    record, reference = found["mmoe"], found["single-task"]
    assert record.selection is not None
    assert record.selection.reference == reference.cell
    scores, base = record.primary_scores("validation"), reference.primary_scores("validation")
    gain = [(scores[task] - base[task]) / base[task] for task in ("click", "conversion")]  # type: ignore[operator]
    assert record.selection.objective == pytest.approx(50 * sum(gain))
    assert record.selection.objective == Objective("delta-m", dict.fromkeys(scores, METRICS["auc"]), base).of(scores)
    assert [stage.reused_from for stage in record.spend] == [None]
    assert reference.selection is not None
    assert reference.selection.reference is None


def test_a_reference_without_a_score_fails_the_cell_with_the_reason(tmp_path: Path):
    found = trained(tmp_path, objective="delta-m")
    store = RecordStore(tmp_path)
    reference, method = (next(tmp_path.glob(f"records/*{name}*")) for name in ("single-task", "mmoe"))
    metrics = found["single-task"].model_copy(deep=True).metrics
    assert metrics is not None
    metrics["validation"]["conversion"]["auc"] = None
    store.write(found["single-task"].model_copy(update={"metrics": metrics}).sealed(), reference.stem)
    method.unlink()
    failed = trained(tmp_path, objective="delta-m")["mmoe"]
    assert failed.status == "failed"
    assert failed.failure is not None
    assert "single-task baseline's validation AUC of the task 'conversion', which is undefined" in failed.failure.reason
