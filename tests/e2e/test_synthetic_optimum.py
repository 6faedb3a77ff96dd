"""On the embedded default, every backbone learns, and none beats the known optimum."""

from pathlib import Path

import pytest

from mtlbench import experiments
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.records import RecordStore


@pytest.mark.parametrize("backbones", ["shared-bottom", pytest.param("all", marks=pytest.mark.slow)])
def test_every_backbone_lies_between_chance_and_the_optimum_and_the_best_is_close(tmp_path: Path, backbones: str):
    study = Study(backbones=backbones, weightings="constant", seeds=1, epochs=10, patience=2, out=tmp_path)
    plan = study.resolve(discover(()))
    experiments.run(plan, listener=lambda event: None)
    records = RecordStore(tmp_path).read_all()
    assert len(records) == (15 if backbones == "all" else 1)
    for task in ("click", "conversion"):
        optimum = records[0].dataset.optimum["test"][task]["auc"]
        scores = {record.method: record.metrics["test"][task]["auc"] for record in records}
        assert all(0.5 < score < optimum for score in scores.values()), scores
        assert max(scores.values()) > optimum - 0.02, scores


@pytest.mark.slow
def test_with_six_mixed_tasks_too_and_the_best_is_within_a_tenth_of_the_way(tmp_path: Path):
    study = Study(
        datasets="synthetic[tasks=6,rows=200000]", backbones="all", weightings="constant", seeds=1, out=tmp_path
    )
    experiments.run(study.resolve(discover(())), listener=lambda event: None)
    records = RecordStore(tmp_path).read_all()
    refused = {record.backbone.name for record in records if record.status == "not-applicable"}
    done = [record for record in records if record.status == "done"]
    assert refused == {"aitm", "escm2", "esmm", "dbmtl"}  # binary tasks alone, or tasks that come after others
    assert len(done) == len(records) - 4 >= 6
    for task, metric in done[0].dataset.primary.items():
        optimum = done[0].dataset.optimum["test"][task][metric]
        scores = {record.method: record.metrics["test"][task][metric] for record in done}
        assert all(0.5 < score < optimum for score in scores.values()), scores
        assert max(scores.values()) > optimum - 0.1 * (optimum - 0.5), scores
