"""On the embedded default, every backbone learns, and none beats the known optimum."""

from pathlib import Path

from mtlbench import experiments
from mtlbench.config.study import Study
from mtlbench.discovery import discover


def test_every_backbone_lies_between_chance_and_the_optimum_and_the_best_is_close(tmp_path: Path):
    plan = Study(backbones="all", weightings="constant", seeds=1).resolve(discover(()))
    outcome = experiments.run(plan, out=tmp_path, overwrite="never", listener=lambda event: None)
    records = outcome.records
    assert len(records) == 8
    for task in ("click", "conversion"):
        optimum = records[0].dataset.optimum["test"][task]["auc"]
        scores = {record.method: record.metrics["test"][task]["auc"] for record in records}
        assert all(0.5 < score < optimum for score in scores.values()), scores
        assert max(scores.values()) > optimum - 0.02, scores
