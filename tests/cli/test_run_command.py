"""``mtlbench run``: results, resuming, exit codes, and that bad input writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

from mtlbench.records import decoded, read_record

SMALL = ("--dataset", "synthetic[rows=2000]", "--backbone", "shared-bottom", "--seeds", 1, "--epochs", 1, "--jobs", 1)


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.delenv("MTLBENCH_PLUGINS", raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def records(folder: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


def test_a_study_ends_in_records_and_a_leaderboard(mtlbench: Any, here: Path) -> None:
    first = mtlbench("run", *SMALL, "--weighting", "constant,rmtl[lambda=0.5]", "--out", "new/out")
    assert first.code == 0
    page = (here / "new/out/leaderboard.md").read_text()
    assert "RMTL-Shared Bottom" in first.out
    assert "| RMTL-Shared Bottom" in page
    assert "2 cells, 0 of them recorded already" in first.err
    assert "[2/2] RMTL-Shared Bottom on synthetic, seed 0: done in" in first.err
    assert {record["weighting"]["name"]: record["weighting"]["changed"] for record in records(here / "new/out")} == {
        "constant": {},
        "rmtl": {"lambda": 0.5},
    }
    for record in records(here / "new/out"):
        assert record["influence"]["unit"] == "session"
        assert [len(decoded(sums)) for sums in record["influence"]["sums"].values()] == [58, 58]  # sessions
    assert "in brackets over test samples drawn by session" in page
    again = mtlbench("run", *SMALL, "--weighting", "constant,rmtl[lambda=0.5]", "--out", "new/out")
    assert again.code == 0
    assert again.out == first.out
    assert "2 cells, 2 of them recorded already" in again.err
    rebuilt = mtlbench("leaderboard", "build", "new/out", "--layout", "paper")
    assert rebuilt.code == 0
    assert rebuilt.out != first.out
    assert (here / "new/out/leaderboard.md").read_text() != page


def test_records_that_an_earlier_version_of_a_method_gave_are_kept_and_named(mtlbench: Any, here: Path) -> None:
    file = write(here, "mine.py", weighting("mine"))
    study = [*SMALL, "--weighting", "constant,mine", "--plugin", file]
    mtlbench("run", *study)
    assert "another version" not in mtlbench("run", *study).err
    write(here, "mine.py", weighting("mine", body="return 2 * api.ones(step)"))
    kept = mtlbench("run", *study)
    assert (
        "1 recorded cell was trained with another version of weighting mine: it is kept; --overwrite always "
        "trains it again"
    ) in kept.err
    assert "another version" not in mtlbench("run", *study, "--overwrite", "always").err


def test_a_run_ends_with_table_verdict_counts_paths_and_the_next_command(mtlbench: Any, here: Path) -> None:
    study = [*SMALL, "--seeds", 2, "--weighting", "constant,decay"]
    result = mtlbench("run", *study)
    lines = result.out.splitlines()
    assert max(len(line) for line in lines if "  " in line) <= 100, "the table"
    assert lines == [line.rstrip() for line in lines]
    assert not {"|", "{", "#", "`"} & set(result.out), "no Markdown, no JSON"
    assert [line.split()[0] for line in lines if line.startswith(("Shared", "Decay"))] == ["Shared", "Decay-Shared"]
    assert "2 paired seeds cannot show a difference to the baseline" in result.out
    assert result.err.splitlines()[-4:] == [
        "4 cells: 4 done, 0 failed, 0 skipped as not applicable",
        "page    results/leaderboard.md (all tables; --details prints them)",
        "report  results/report.html (`mtlbench report results` writes it)",
        "next    mtlbench run --dataset 'synthetic[rows=2000]' --backbone shared-bottom --weighting constant,decay "
        "--seeds 6 --epochs 4 --jobs 1",
    ]
    detailed = mtlbench("run", *study, "--details")
    page = (here / "results" / "leaderboard.md").read_text()
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert [line for line in detailed.out.splitlines() if line.startswith("|")] == tables
    assert "```json" in page
    assert "```json" not in detailed.out


def test_a_failed_cell_is_a_row_and_exit_code_1(mtlbench: Any, here: Path) -> None:
    file = write(here, "mine.py", weighting("mine", body="raise RuntimeError('broke at a step')"))
    result = mtlbench("run", *SMALL, "--weighting", "constant,mine", "--plugin", file, "--out", "out")
    assert result.code == 1
    assert "2 cells: 1 done, 1 failed, 0 skipped as not applicable" in result.err
    assert "failed  out/records has the tracebacks" in result.err
    assert result.err.splitlines()[-1].startswith("next    mtlbench run --dataset 'synthetic[rows=2000]' ")
    assert result.err.splitlines()[-1].endswith(f" --out out --jobs 1 --overwrite failed --plugin {file}")
    assert "broke at a step" in result.err
    assert {record["weighting"]["name"]: record["status"] for record in records(here / "out")} == {
        "constant": "done",
        "mine": "failed",
    }
    assert "broke at a step" in result.out


def test_quiet_leaves_stderr_empty(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", *SMALL, "--weighting", "constant", "--quiet")
    assert (result.code, result.err) == (0, "")
    assert "cut off at the limit of 1 epoch" in " ".join(result.out.split())
    assert (here / "results" / "leaderboard.md").exists()


def test_a_dry_run_shows_the_cells_and_writes_nothing(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", *SMALL, "--seeds", 2, "--weighting", "rmtl[lambda=0.5|0.7]", "--dry-run")
    assert result.code == 0
    lines = [line.split()[1:] for line in result.out.splitlines() if line.startswith("synthetic")]
    assert lines == [
        ["shared-bottom", name, seed] for seed in "01" for name in ("constant", "rmtl[lambda=0.5]", "rmtl")
    ]
    assert "6 cells, 0 of them recorded already" in result.out
    assert list(here.iterdir()) == []


def test_a_dry_run_tells_that_a_budget_runs_every_cell_once_more(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", *SMALL, "--weighting", "constant,decay", "--budget", "steps", "--dry-run")
    assert "2 cells, 0 of them recorded already; up to 2 more follow from what these give" in result.out


def test_a_dry_run_tells_what_is_recorded(mtlbench: Any, here: Path) -> None:
    mtlbench("run", *SMALL, "--weighting", "constant")
    result = mtlbench("run", *SMALL, "--weighting", "constant,decay", "--dry-run")
    states = {line.split()[2]: "recorded" in line for line in result.out.splitlines() if line.startswith("synthetic")}
    assert states == {"constant": True, "decay": False}


def test_a_damaged_checkpoint_is_trained_again_with_a_warning(mtlbench: Any, here: Path) -> None:
    study = ["run", *SMALL, "--weighting", "rmtl"]
    assert mtlbench(*study).code == 0
    [checkpoint] = (here / "results" / "checkpoints").glob("*.constant.*.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    [record] = (here / "results" / "records").glob("*.rmtl.*.json")
    record.unlink()
    with pytest.warns(RuntimeWarning, match=f"{checkpoint.name} is damaged and not used"):
        assert mtlbench(*study).code == 0
    assert len(checkpoint.read_bytes()) > 1000
    assert record.exists()


def test_a_damaged_checkpoint_that_only_matched_budgets_need_is_trained_again(mtlbench: Any, here: Path) -> None:
    study = ["run", *SMALL, "--weighting", "loss-aware", "--budget", "steps"]
    assert mtlbench(*study).code == 0
    [checkpoint] = (here / "results" / "checkpoints").glob("*.constant.*.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    records = {path: read_record(path) for path in (here / "results" / "records").glob("*.json")}
    [gone] = [
        path
        for path, one in records.items()
        if one.weighting.name == "loss-aware" and one.training["budget"] == "steps"
    ]
    gone.unlink()
    with pytest.warns(RuntimeWarning, match=f"{checkpoint.name} is damaged and not used"):
        done = mtlbench(*study)
    assert done.code == 0, done.err
    assert len(checkpoint.read_bytes()) > 1000
    assert read_record(gone).metrics == records[gone].metrics
    assert {path: read_record(path).metrics for path in records} == {path: one.metrics for path, one in records.items()}


def test_a_study_file_with_flags_over_it(mtlbench: Any, here: Path) -> None:
    write(
        here, "study.toml", 'datasets = "synthetic[rows=2000]"\nbackbones = "ple"\nweightings = "constant"\nseeds = [5]'
    )
    result = mtlbench("run", "--config", "study.toml", "--backbone", "mmoe", "--dry-run")
    assert result.code == 0
    [line] = [line.split() for line in result.out.splitlines() if line.startswith("synthetic")]
    assert line[1:] == ["mmoe", "constant", "5"]


def test_a_broken_plugin_is_a_warning_for_the_others(mtlbench: Any, here: Path) -> None:
    file = write(here, "bad.py", "1 / 0")
    result = mtlbench("run", *SMALL, "--weighting", "constant", "--plugin", file, "--dry-run")
    assert result.code == 0
    assert "warning: left out bad, which is broken" in result.err
    assert "ZeroDivisionError" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weighting", "rmlt"], "unknown weighting 'rmlt': did you mean 'rmtl'?"),
        (["--weighting", "UW"], "unknown weighting 'UW': did you mean 'uncertainty'?"),
        (["--weighting", "PCGrad"], "did you mean 'pcgrad'?"),
        (["--weighting", "RMLT"], "did you mean 'rmtl'?"),
        (["--backbone", "Shared Bottom"], "did you mean 'shared-bottom'?"),
        (["--backbone", "shared_bottom"], "did you mean 'shared-bottom'?"),
        (
            ["--dataset", "hill.toml"],
            "'hill.toml' is a file, and no dataset: write --dataset 'table[schema=hill.toml]'",
        ),
        (["--dataset", __file__], f"first `mtlbench data describe {__file__} --toml "),
        (["--dataset", "table[schema=my[1].toml]"], "quote it"),
        (["--dataset", "syntetic"], "did you mean 'synthetic'?"),
        (["--weighting", "rmtl[lambda=-2]"], "parameter lambda = -2 is out of range"),
        (
            ["--dataset", "synthetic[rows=900]", "--weighting", "constant,preference[shares=1-2-3]"],
            "weighting preference[shares=1.0-2.0-3.0] does not fit the dataset synthetic[rows=900]: 3 shares were "
            "given for 2 tasks (click, conversion); give one for each task",
        ),
        (
            ["--dataset", "synthetic[rows=900]", "--weighting", "forkmerge[target=conversoin]"],
            "the target task 'conversoin' is not among those of the dataset: did you mean 'conversion'?",
        ),
        (["--weighting", "forkmerge[branchs=each]"], "unknown parameter 'branchs': did you mean 'branches'?"),
        (["--weighting", "forkmerge[branches=eech]"], "branches = eech is invalid: "),
        (["--weighting", "rmtl[lambda=0.5"], "unbalanced bracket"),
        (["--weighting", ""], "a name is missing"),
        (["--seeds", "0"], "seeds = 0 is out of range"),
        (["--seeds", "some"], "--seeds"),
        (["--epochs", "0"], "epochs = 0 is out of range"),
        (["--jobs", "0"], "jobs = 0 is out of range"),
        (["--preset", "quik"], "must be 'quick', 'compact' or 'paper'"),
        (["--overwrite", "yes"], "overwrite = yes"),
        (["--layout", "wide"], "layout = wide"),
        (["--device", "cuda:9"], "use --device cpu"),
        (["--device", "cuda:every"], "must be cpu, cuda, cuda:N, such as cuda:0, or cuda:all"),
        (
            ["--device", "cuda:all", "--executor", "dask", "--scheduler", "tcp://head:8786"],
            "on Dask start one worker for each GPU, with CUDA_VISIBLE_DEVICES=N, and use device cuda",
        ),
        (["--config", "absent.toml"], "absent.toml"),
        (["--plugin", "absent.py"], "absent.py"),
        (["--dataset", "kuairand", "--data-dir", "absent"], "zenodo.org"),
        (["--datset", "synthetic"], "--dataset"),
        (["--out", "/dev/null/out"], "cannot write to the results folder /dev/null/out"),
    ],
)
def test_bad_input_exits_2_with_one_message_and_writes_nothing(
    mtlbench: Any, here: Path, arguments: list[str], message: str
) -> None:
    result = mtlbench("run", *arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert list(here.iterdir()) == []


def test_two_plugins_of_one_name_exit_2(mtlbench: Any, here: Path) -> None:
    file = write(here, "mine.py", weighting("rmtl"))
    result = mtlbench("run", "--plugin", file)
    assert result.code == 2
    assert result.err.startswith("error: two weighting plugins are called 'rmtl': ")


def test_an_interrupt_exits_130_and_says_how_to_go_on(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtlbench.experiments.runner.run", interrupted)
    result = mtlbench("run", *SMALL)
    assert result.code == 130
    assert "the same command goes on" in result.err


def test_data_dir_comes_from_the_environment(mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_DATA", str(here / "elsewhere"))
    result = mtlbench("run", "--dataset", "kuairand")
    assert result.code == 2
    assert str(here / "elsewhere") in result.err
