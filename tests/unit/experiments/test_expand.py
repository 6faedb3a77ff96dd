"""From a plan to jobs, and which of them have to run."""

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from bit_flips import flip

import mtlbench
from mtlbench.api import UsageError
from mtlbench.cells import Cell
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job
from mtlbench.experiments.matched_budgets import spent, with_matched_budgets
from mtlbench.experiments.runner import missing
from mtlbench.records import Record, provenance
from mtlbench.records.schema import StageSpend
from mtlbench.training import tensor_files


def jobs(tmp_path: Path, **study: object) -> list[Job]:
    settings = {"datasets": "synthetic[rows=2000]", "backbones": "esmm", "seeds": 1, "out": tmp_path, **study}
    catalogue = discover(())
    return expand(Study(**settings).resolve(catalogue), catalogue)


def names(found: list[Job]) -> list[str]:
    return [job.cell.weighting.name for job in found]


def test_a_start_cell_is_added_once_before_those_that_continue_from_it(tmp_path: Path):
    found = jobs(tmp_path, weightings="rmtl,loss-aware")
    assert names(found) == ["constant", "rmtl", "loss-aware"]
    constant, *others = found
    assert constant.keep_checkpoint
    assert all(job.warm_start == constant.cell and not job.keep_checkpoint for job in others)


def test_a_start_cell_that_the_study_names_too_is_one_cell(tmp_path: Path):
    assert names(jobs(tmp_path, weightings="constant,rmtl")) == ["constant", "rmtl"]
    assert names(jobs(tmp_path, weightings="rmtl,constant")) == ["constant", "rmtl"]


def test_a_study_is_the_cross_product(tmp_path: Path):
    found = jobs(tmp_path, backbones="esmm,ple", weightings="constant,decay[rates=0.9|0.99]", seeds=2)
    assert len(found) == 2 * 3 * 2
    assert len({job.cell.id for job in found}) == len(found)


def test_another_version_of_mtlbench_has_the_same_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    study = {"weightings": "constant,rmtl", "backbones": "esmm,ple"}
    before = {job.cell.id for job in jobs(tmp_path, **study)}
    monkeypatch.setattr(mtlbench, "__version__", "9.9.9")
    monkeypatch.setattr(metadata, "version", lambda distribution: "9.9.9")
    provenance._version.cache_clear()
    try:
        assert provenance.provider(discover(()).get("backbone", "ple").cls) == "mtlbench 9.9.9"
        assert {job.cell.id for job in jobs(tmp_path, **study)} == before
    finally:
        provenance._version.cache_clear()


def test_what_makes_no_sense_says_why(tmp_path: Path):
    (job,) = jobs(tmp_path, datasets="synthetic[rows=2000,tasks=3]", weightings="constant")
    assert job.not_applicable == "ESMM takes binary tasks alone, and 'real_2' is real"


MISFITS = {
    "constant[weights=1-2-3]": "3 weights were given for 2 tasks (click, conversion); give one for each task",
    "scalarization[weights=1]": "a single one of the weights was given for 2 tasks",
    "preference[shares=1-2-3]": "3 shares were given for 2 tasks",
    "preference[ideal=0-0-0]": "3 ideal losses were given for 2 tasks",
    "decay[rates=0.9-0.8-0.7]": "3 rates were given for 2 tasks",
    "pe-ltr[bounds=0.1-0.1-0.1]": "3 bounds were given for 2 tasks",
    "pe-ltr[bounds=0.6]": "the least weights of 2 tasks sum to 1.2",
    "pcd[target=conversoin]": "did you mean 'conversion'?",
    "metabalance[target=clik]": "did you mean 'click'?",
    "auto-lambda[target=sale]": "known: click, conversion",
    "forkmerge[target=conversoin]": "did you mean 'conversion'?",
}


@pytest.mark.parametrize("weighting", MISFITS)
def test_parameters_that_fit_no_dataset_are_a_mistake(weighting: str, tmp_path: Path):
    with pytest.raises(UsageError, match=re.escape(MISFITS[weighting])) as told:
        jobs(tmp_path, backbones="shared-bottom", weightings=f"constant,{weighting}")
    assert str(told.value).startswith(f"weighting {weighting.partition('[')[0]}[")
    assert " does not fit the dataset synthetic[rows=2000]: " in str(told.value)


def test_parameters_for_one_of_several_datasets_are_a_row_that_says_why_for_the_others(tmp_path: Path):
    both = "synthetic[rows=2000],synthetic[rows=2000,tasks=3]"
    fits, other = jobs(tmp_path, datasets=both, backbones="shared-bottom", weightings="constant[weights=1-2]")
    assert fits.not_applicable is None
    assert other.not_applicable.startswith("2 weights were given for 3 tasks (")
    with pytest.raises(UsageError, match=r"does not fit any of the datasets .*for 2 tasks .*; .*for 3 tasks"):
        jobs(tmp_path, datasets=both, backbones="shared-bottom", weightings="constant[weights=1-2-3-4]")


def test_parameters_that_fit_only_where_the_backbone_does_not_are_a_mistake(tmp_path: Path):
    both = "synthetic[rows=2000],synthetic[rows=2000,tasks=3]"
    with pytest.raises(UsageError, match=r"does not fit the dataset synthetic\[rows=2000\]: 3 weights were given"):
        jobs(tmp_path, datasets=both, backbones="esmm", weightings="constant[weights=1-2-3]")


def test_a_method_that_no_parameters_make_fit_is_a_row_that_says_why(tmp_path: Path):
    (job,) = jobs(tmp_path, backbones="shared-bottom", weightings="go4align[groups=2]")
    assert "has 2" in job.not_applicable


def test_a_method_of_task_gradients_needs_a_backbone_that_shares_parameters(tmp_path: Path):
    apart, together = jobs(tmp_path, backbones="single-task,shared-bottom", weightings="pcgrad")
    assert "PCGrad weighs the gradients of shared parameters, and Single Task has none" in apart.not_applicable
    assert together.not_applicable is None


def test_controls_are_named_by_their_method_and_run_when_asked_for(tmp_path: Path):
    constant, rmtl = jobs(tmp_path, weightings="rmtl")
    found = jobs(tmp_path, weightings="rmtl", controls=True)
    assert {job.cell.id for job in found} >= {constant.cell.id, rmtl.cell.id, *rmtl.controls}
    assert len(found) == 2 + len(rmtl.controls) == 9
    assert names(found) == ["constant", "rmtl", "constant", "constant", "loss-aware", *["rmtl"] * 4]
    assert not constant.controls


def test_critics_of_another_backbone_come_from_its_own_cell(tmp_path: Path):
    found = jobs(tmp_path, weightings="rmtl[critic_from=mmoe]")
    assert [(job.cell.backbone.name, job.cell.weighting.name) for job in found] == [
        ("esmm", "constant"),
        ("mmoe", "constant"),
        ("mmoe", "rmtl"),
        ("esmm", "rmtl"),
    ]
    own, _, source, reuser = found
    assert reuser.sources == (own.cell, source.cell)
    assert source.keep_checkpoint


def test_an_unknown_backbone_to_borrow_from_is_a_usage_error(tmp_path: Path):
    with pytest.raises(UsageError, match="unknown backbone 'mmo': did you mean 'mmoe'"):
        jobs(tmp_path, weightings="rmtl[critic_from=mmo]")


def recorded(job: Job, **stages: tuple[int, float]) -> Record:
    spend = [
        StageSpend(stage=name, steps=steps, rows=0, seconds=seconds, peak_memory_mib=0.0)
        for name, (steps, seconds) in stages.items()
    ]
    return Record.model_construct(cell=job.cell.id, status="done", spend=spend)


def test_equal_budgets_are_those_of_the_costliest_method_of_a_block_with_all_its_stages(tmp_path: Path):
    found = jobs(tmp_path, backbones="esmm,ple", weightings="rmtl")
    costs = [{"train": (10, 3.0)}, {"train": (10, 3.0), "critics": (4, 9.0)}, {"train": (20, 1.0)}]
    records = [recorded(job, **cost) for job, cost in zip(found[:3], costs, strict=True)]
    records.append(Record.model_construct(cell=found[3].cell.id, status="failed", spend=[]))
    steps, seconds = (with_matched_budgets(found, spent(records, unit), unit) for unit in ("steps", "seconds"))
    assert [job.cell.training.allowance for job in steps] == [14, 14, 20]
    assert [job.cell.training.allowance for job in seconds] == [12, 12, 1]
    assert {job.cell.training.budget for job in steps} == {"steps"}
    assert steps[1].warm_start == found[0].cell
    assert not {job.cell.id for job in steps} & {job.cell.id for job in found}


def cell(tmp_path: Path, **study: object) -> Cell:
    return jobs(tmp_path, weightings="constant", **study)[0].cell


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (5,)},
        {"backbones": "esmm[dropout=0.1]"},
        {"datasets": "synthetic[rows=2001]"},
        {"preset": "compact"},
        {"epochs": 3},
        {"learning_rate": 0.01},
        {"precision": "bfloat16"},
        {"embedding_optimiser": "sparse-adam"},
    ],
)
def test_whatever_determines_a_result_is_in_the_cells_identity(tmp_path: Path, change: dict):
    assert cell(tmp_path).id != cell(tmp_path, **change).id


def test_what_does_not_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # A device is like a processor: results differ by rounding and by the draws of dropout masks.
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    same = {
        "device": "cuda",
        "jobs": 7,
        "out": Path("elsewhere"),
        "overwrite": "always",
        "backbones": "esmm[dropout=0.2]",
    }
    assert cell(tmp_path).id == cell(tmp_path, **same).id == cell(tmp_path, device="cuda:all").id


def test_jobs_know_their_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert [job.settings.device for job in jobs(tmp_path, weightings="constant")] == ["cpu"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [job.settings.device for job in jobs(tmp_path, weightings="constant", device="cuda:1")] == ["cuda:1"]
    # The one that its worker process sees.
    assert [job.settings.device for job in jobs(tmp_path, weightings="constant", device="cuda:all")] == ["cuda"]


def known(*found: Job) -> dict[str, Record]:
    return {job.cell.id: Record.model_construct(cell=job.cell.id, status="done") for job in found}


def test_recorded_cells_do_not_run_again(tmp_path: Path):
    constant, rmtl = jobs(tmp_path, weightings="rmtl")
    assert missing([constant, rmtl], {}) == [constant, rmtl]
    assert missing([constant, rmtl], known(constant, rmtl)) == []


def test_a_recorded_start_cell_runs_again_only_where_its_checkpoint_is_gone_and_needed(tmp_path: Path):
    constant, rmtl = jobs(tmp_path, weightings="rmtl")
    assert missing([constant, rmtl], known(constant)) == [constant, rmtl]
    tensor_files.save({}, constant.checkpoint)
    assert missing([constant, rmtl], known(constant)) == [rmtl]
    flip(constant.checkpoint, 7)
    with pytest.warns(RuntimeWarning, match="is damaged and not used"):
        assert missing([constant, rmtl], known(constant)) == [constant, rmtl]
    assert missing([constant, rmtl], known(constant, rmtl)) == []


def test_a_job_without_training_needs_no_start(tmp_path: Path):
    constant, rmtl = jobs(tmp_path, weightings="rmtl")
    hopeless = replace(rmtl, not_applicable="because")
    assert missing([constant, hopeless], known(constant)) == [hopeless]


def test_a_method_that_continues_has_the_restarted_baseline_as_a_control_once(tmp_path: Path):
    constant, loss_aware, restarted = jobs(tmp_path, weightings="loss-aware", controls=True)
    assert names([constant, loss_aware, restarted]) == ["constant", "loss-aware", "constant"]
    assert restarted.changed["weighting"] == {"restart": True}
    assert loss_aware.controls == (restarted.cell.id,)
    assert (constant.controls, restarted.controls) == ((), ())
    assert names(jobs(tmp_path, weightings="constant,uncertainty", controls=True)) == ["constant", "uncertainty"]


def test_tuned_methods_can_do_without_rows_at_their_defaults_but_baselines_keep_them(tmp_path: Path):
    catalogue = discover(())
    settings = {"datasets": "synthetic[rows=2000]", "backbones": "esmm", "seeds": 2, "trials": 3, "out": tmp_path}
    plan = Study(**settings, weightings="constant,dwa,scalarization").resolve(catalogue)
    assert names(expand(plan, catalogue)) == ["constant", "dwa"] * 2
    alone = replace(plan, tuned=replace(plan.tuned, defaults=False))
    assert names(expand(alone, catalogue)) == ["constant"] * 2


def test_a_plan_can_keep_every_trained_network(tmp_path: Path):
    catalogue = discover(())
    settings = {"datasets": "synthetic[rows=2000]", "backbones": "esmm", "seeds": 2, "out": tmp_path}
    plan = Study(**settings, weightings="constant").resolve(catalogue)
    assert [job.keep_checkpoint for job in expand(plan, catalogue)] == [False, False]
    kept = expand(replace(plan, keep_checkpoints=True), catalogue)
    assert [job.keep_checkpoint for job in kept] == [True, True]
    assert [job.cell.id for job in kept] == [job.cell.id for job in expand(plan, catalogue)]


def test_the_yardstick_of_delta_m_has_the_sizes_of_the_study(tmp_path: Path):
    found = jobs(tmp_path, backbones="mmoe", weightings="constant", objective="delta-m", embedding=8)
    (reference,) = (job for job in found if job.cell.training.objective == "mean")
    assert [job.cell.backbone.params["embedding"] for job in found] == [8, 8]
    assert reference.cell in [job.reference for job in found]
