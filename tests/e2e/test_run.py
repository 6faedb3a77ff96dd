"""The main job as a user runs it: a real process, real files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtlbench.records import Record, RecordStore
from studies import finish_here

SMALL = ["--dataset", "synthetic[rows=3000]", "--epochs", "2", "--seeds", "1"]
VOLATILE = {"spend", "environment", "training", "checksum"}


def mtlbench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtlbench", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )


def records(out: Path) -> dict[str, Record]:
    return {record.cell: record for record in RecordStore(out).read_all()}


def outcome(record: Record) -> dict:
    return {key: value for key, value in record.model_dump().items() if key not in VOLATILE}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study in worker processes."""
    out = tmp_path_factory.mktemp("study") / "results"
    study = ["--backbone", "esmm,ple", "--weighting", "rmtl,ddpg,decay,loss-aware", "--jobs", "2"]
    done = mtlbench("run", *SMALL, *study, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def test_shows_the_constant_rows_beside_the_methods_that_start_from_them(finished: Path):
    methods = {record.method for record in records(finished).values()}
    assert methods == {
        "ESMM",
        "PLE",
        "RMTL-ESMM",
        "RMTL-PLE",
        "D-ESMM",
        "D-PLE",
        "Decay-ESMM",
        "Decay-PLE",
        "Loss-Aware-ESMM",
        "Loss-Aware-PLE",
    }
    page = (finished / "leaderboard.md").read_text()
    assert all(f"| {method} " in page for method in methods)
    assert "Bayes optimum" in page


def test_one_start_cell_pays_for_all_that_continue_from_it(finished: Path):
    found = {record.method: record for record in records(finished).values()}
    for method in ("RMTL-PLE", "D-PLE", "Loss-Aware-PLE"):
        first = found[method].spend[0]
        assert first.reused_from == found["PLE"].cell
        assert first.steps == found["PLE"].spend[0].steps
    assert [stage.stage for stage in found["RMTL-PLE"].spend] == ["train", "critics", "continue"]


def test_a_second_run_trains_nothing_and_prints_the_same_table(finished: Path, capsys: pytest.CaptureFixture[str]):
    before = {path: path.stat().st_mtime_ns for path in (finished / "records").iterdir()}
    page = (finished / "leaderboard.md").read_text()
    finish_here([*SMALL, "--backbone", "esmm,ple", "--weighting", "rmtl,ddpg,decay,loss-aware"], finished)
    said = capsys.readouterr()
    assert "10 of them recorded already" in said.err
    assert (finished / "leaderboard.md").read_text() == page
    finish_here([*SMALL, "--backbone", "esmm,ple", "--weighting", "rmtl,ddpg,decay,loss-aware"], finished)
    assert capsys.readouterr().out == said.out
    assert {path: path.stat().st_mtime_ns for path in (finished / "records").iterdir()} == before


def test_a_cell_gives_identical_results_again_and_in_one_process_or_two(finished: Path, tmp_path: Path):
    finish_here([*SMALL, "--backbone", "ple", "--weighting", "rmtl"], tmp_path / "one")
    alone = records(tmp_path / "one")
    assert len(alone) == 2
    together = records(finished)
    for cell, record in alone.items():
        assert outcome(record) == outcome(together[cell])


@pytest.mark.slow
def test_a_failing_cell_or_a_dying_worker_costs_its_row_and_no_other(tmp_path: Path):
    plugin = tmp_path / "bad_weightings.py"
    plugin.write_text(
        "import os\nfrom mtlbench import api\n\n\n"
        "class Broken(api.Weighting):\n"
        '    """Fails in its first step."""\n\n'
        '    name, label = "broken", "Broken"\n\n'
        "    def weigh(self, step):\n"
        '        raise ZeroDivisionError("no weights today")\n\n\n'
        "class Deadly(api.Weighting):\n"
        '    """Kills its process."""\n\n'
        '    name, label = "deadly", "Deadly"\n\n'
        "    def weigh(self, step):\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    out = tmp_path / "results"
    study = [*SMALL, "--backbone", "esmm", "--weighting", "broken,constant,deadly", "--plugin", str(plugin)]
    done = mtlbench("run", *study, "--out", str(out), "--jobs", "2")
    assert done.returncode == 1, done.stderr
    by_method = {record.method: record for record in records(out).values()}
    status = {method: record.status for method, record in by_method.items()}
    assert status == {"ESMM": "done", "Broken-ESMM": "failed", "Deadly-ESMM": "failed"}
    failed = by_method["Broken-ESMM"]
    assert failed.failure.reason == "ZeroDivisionError: no weights today"
    assert "in weigh" in failed.failure.traceback
    assert "no weights today" in (out / "leaderboard.md").read_text()

    repaired = plugin.read_text()
    for line in ('raise ZeroDivisionError("no weights today")', "os.kill(os.getpid(), 9)"):
        repaired = repaired.replace(line, "return api.ones(step)")
    plugin.write_text(repaired)
    finish_here(study, out, "--overwrite", "failed")
    repaired = {record.method: record for record in records(out).values()}
    for method in ("Broken-ESMM", "Deadly-ESMM"):
        assert repaired[method].metrics == by_method["ESMM"].metrics


def steps(record: Record) -> int:
    return sum(stage.steps for stage in record.spend)


def test_records_are_json_without_nan(finished: Path):
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    for path in (finished / "records").iterdir():
        json.loads(path.read_text(), parse_constant=refuse)


def test_controls_and_equal_steps_are_rows_and_a_board_of_their_own(tmp_path: Path):
    out = tmp_path / "results"
    finish_here([*SMALL, "--backbone", "esmm", "--weighting", "rmtl", "--controls", "--budget", "steps"], out)
    found = list(records(out).values())
    early, equal = ([r for r in found if r.training["budget"] == budget] for budget in ("early-stopping", "steps"))
    assert len(early) == len(equal) == 9
    budget = max(map(steps, early))
    # The control that trains for as many seconds as the method took may take more steps than the budget has.
    [timed] = [record for record in equal if "seconds_of" in record.weighting.changed]
    assert {steps(record) for record in equal if record is not timed} == {budget}
    assert steps(timed) >= budget
    rmtl = next(r for r in equal if r.method == "RMTL-ESMM" and not r.weighting.changed)
    assert set(rmtl.controls) < {record.cell for record in equal}
    assert "budget steps" in (out / "leaderboard.md").read_text()
