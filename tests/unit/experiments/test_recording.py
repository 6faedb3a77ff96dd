"""What a record says of its cell before any training."""

from pathlib import Path
from unittest import mock

import pytest
from plugin_sources import HEAD, weighting, write

from mtlbench.api import Splits
from mtlbench.config.study import Study
from mtlbench.discovery import Catalogue, discover
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job
from mtlbench.experiments.recording import blank_record
from mtlbench.experiments.run_cell import load_splits
from mtlbench.tasks.fitted import FittedTasks


def splits_of(job: Job, catalogue: Catalogue) -> Splits:
    return load_splits(catalogue, job.cell.dataset, job.settings, job.cell.fingerprint)


@pytest.mark.parametrize(
    ("backbone", "weighting", "baseline", "reference"),
    [
        ("single-task", "constant", True, True),
        ("single-task[embedding=8]", "constant", True, True),
        ("single-task", "constant[weights=1-2]", False, False),
        ("single-task", "decay", False, False),
        ("ple", "constant", True, False),
    ],
)
def test_delta_m_is_measured_against_single_task_networks_under_the_baseline(
    backbone: str, weighting: str, baseline: bool, reference: bool, tmp_path: Path
):
    catalogue = discover(())
    study = Study(datasets="synthetic[rows=2000]", backbones=backbone, weightings=weighting, seeds=1)
    (job,) = expand(study.resolve(catalogue), catalogue)
    record = blank_record(job, catalogue, splits_of(job, catalogue))
    assert (record.baseline, record.reference) == (baseline, reference)


def test_a_weighting_may_declare_itself_the_tuned_baseline(tmp_path: Path):
    source = weighting("tuned").replace("    name, label", "    tuned_baseline = True\n    name, label")
    catalogue = discover((write(tmp_path, "tuned.py", source),))
    study = Study(datasets="synthetic[rows=2000]", backbones="ple", weightings="constant,tuned", seeds=1)
    found = [
        blank_record(job, catalogue, splits_of(job, catalogue)) for job in expand(study.resolve(catalogue), catalogue)
    ]
    assert [(record.baseline, record.tuned_baseline) for record in found] == [(True, False), (False, True)]


def test_each_cell_carries_the_optimum_of_its_own_data_which_is_scored_once_per_dataset(tmp_path: Path):
    catalogue = discover(())
    datasets = ("synthetic[rows=2000]", "synthetic[rows=2400]")
    plan = Study(datasets=datasets, backbones="ple", weightings="constant", seeds=2).resolve(catalogue)
    with mock.patch.object(FittedTasks, "scores", autospec=True, side_effect=FittedTasks.scores) as scoring:
        found = [blank_record(job, catalogue, splits_of(job, catalogue)).dataset for job in expand(plan, catalogue)]
    assert scoring.call_count == len(datasets) * len(("validation", "test"))
    assert found[0].optimum == found[1].optimum != found[2].optimum == found[3].optimum


LOG = """
import pandas as pd

class Mine(api.Dataset):
    \"\"\"A log of a test.\"\"\"

    name, label = "mine", "Mine"

    def files(self, root):
        return [root / "log.csv"]

    def load(self, root):
        return api.Log(pd.read_csv(root / "log.csv"), ["click"], categorical=["user"])
"""


def test_the_next_study_of_a_process_sees_that_the_log_has_changed(tmp_path: Path, cache_dir: Path):
    catalogue = discover((write(tmp_path, "mine.py", HEAD + LOG),))
    rows = [f"u{number % 7},{number % 2}" for number in range(200)]
    write(tmp_path, "log.csv", "user,click\n" + "\n".join(rows))
    study = Study(datasets="mine", backbones="single-task", weightings="constant", seeds=1, data_dir=tmp_path)
    plan = study.resolve(catalogue)
    (before,) = expand(plan, catalogue)
    kept = splits_of(before, catalogue)
    assert splits_of(before, catalogue) is kept
    assert kept.fingerprint == before.cell.fingerprint
    write(tmp_path, "log.csv", "user,click\n" + "\n".join(rows[:150]))
    (after,) = expand(plan, catalogue)
    assert after.cell.fingerprint != before.cell.fingerprint
    assert splits_of(after, catalogue).fingerprint == after.cell.fingerprint
