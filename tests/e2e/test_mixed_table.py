"""A user's own table of tasks of every kind, one observed in part: all that applies trains."""

import math
from pathlib import Path

import pytest
from mixed_tables import MIXED, write_mixed_table

from studies import finish_here, records

STUDY = ["--dataset", "table[schema=mixed.toml]", "--seeds", "1", "--epochs", "1", "--batch-size", "64", "--quiet"]
PRIMARY = {"click": "auc", "watch": "xauc", "mood": "xauc", "stars": "xauc"}
WITHIN = MIXED.replace('kind = "nonnegative" }', 'kind = "nonnegative", after = "click", within = true }')
REASONS = ("binary tasks alone, and 'watch' is nonnegative", "the dataset's tasks are parallel")


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_mixed_table(tmp_path)
    return tmp_path


def refused(out: Path) -> set[str]:
    """The plugins that take binary or ordered tasks alone, and say so. All others have trained and are scored."""
    names = set()
    for record in records(out).values():
        if record.status == "done":
            assert record.metrics is not None
            scores = record.metrics["test"]
            assert all(math.isfinite(scores[task][metric]) for task, metric in PRIMARY.items()), record.method
            assert 0.1 < scores["stars"]["coverage"] < 0.6
        else:
            assert record.status == "not-applicable", record.failure
            assert record.failure is not None
            assert any(reason in record.failure.reason for reason in REASONS)
            names.add(record.backbone.name if record.weighting.name == "constant" else record.weighting.name)
    return names


@pytest.mark.slow
def test_every_weighting_that_takes_the_kinds_trains(here: Path) -> None:
    write_mixed_table(here, WITHIN)
    finish_here([*STUDY, "--backbone", "shared-bottom", "--weighting", "all"], Path("out"))
    assert refused(here / "out") == {"ddpg", "focal", "ips", "rmtl-official"}


def test_every_backbone_that_takes_the_kinds_trains(here: Path) -> None:
    finish_here([*STUDY, "--backbone", "all", "--weighting", "constant"], Path("out"))
    assert refused(here / "out") == {"aitm", "dbmtl", "escm2", "esmm"}
