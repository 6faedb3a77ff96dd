"""Every pair of a weighting and a backbone on six tasks of several kinds, some observed in part."""

from pathlib import Path

import pytest

import mtlbench
from mtlbench.discovery import discover

DATASET = "synthetic[tasks=6,rows=1500,unobserved=0.3]"
WEIGHTINGS = sorted(
    name for name, entry in discover(()).weightings.items() if entry.cls.__module__.startswith("mtlbench_plugins.")
)


@pytest.mark.slow
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_backbone_trains_or_is_refused_with_a_reason(weighting: str, tmp_path: Path) -> None:
    results = mtlbench.run(
        datasets=DATASET, backbones="all", weightings=weighting, seeds=1, epochs=1, batch_size=512, out=tmp_path
    )
    records = [record for record in results.records if record.weighting.name == weighting]
    assert len(records) == len(discover(()).backbones)
    for record in records:
        assert record.status in {"done", "not-applicable"}, (record.backbone.name, record.failure)
        if record.status == "not-applicable":
            assert record.failure is not None
            assert record.failure.reason.strip()
