"""On the embedded default, every backbone learns, and none beats the known optimum."""

from pathlib import Path

from mtlbench import experiments
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.records import RecordStore


def test_every_backbone_lies_between_chance_and_the_optimum_and_the_best_is_close(tmp_path: Path):
    plan = Study(backbones="all", weightings="constant", seeds=1, out=tmp_path).resolve(discover(()))
    experiments.run(plan, listener=lambda event: None)
    records = RecordStore(tmp_path).read_all()
    assert len(records) == 8
    for task in ("click", "conversion"):
        optimum = records[0].dataset.optimum["test"][task]["auc"]
        scores = {record.method: record.metrics["test"][task]["auc"] for record in records}
        assert all(0.5 < score < optimum for score in scores.values()), scores
        assert max(scores.values()) > optimum - 0.02, scores
