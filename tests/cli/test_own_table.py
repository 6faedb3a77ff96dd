"""A study on a user's own table, from ten lines of TOML to the leaderboard."""

import json
from pathlib import Path
from typing import Any

import pytest
from own_tables import DESCRIPTION, own_table, write_own_table

RUN = ("--backbone", "esmm,shared-bottom", "--weighting", "rmtl,constant", "--seeds", 1, "--epochs", 1, "--jobs", 1)


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def statuses(out: Path) -> dict[str, str]:
    found = [json.loads(path.read_text()) for path in (out / "records").glob("*.json")]
    return {record["method"]: record["status"] for record in found}


def test_a_log_with_time_and_sessions_runs_everything(mtlbench: Any, here: Path) -> None:
    write_own_table(here)
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 0, result.err
    assert "Table [schema=my_log.toml]" in result.out
    assert set(statuses(here / "results").values()) == {"done"}


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ('timestamp = "time"\ntimestamp_unit = "s"\n', "split random with a fixed seed, for want of timestamps"),
        ('session = "visit"\n', "sessions none, for want of a session column"),
    ],
)
def test_what_the_log_lacks_is_said_and_rules_out_session_mdps_alone(
    lacks: str, said: str, mtlbench: Any, here: Path
) -> None:
    write_own_table(here, DESCRIPTION.replace(lacks, ""))
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 0, result.err
    assert said in (here / "results" / "leaderboard.md").read_text()
    reasons = "critics need sessions and timestamps, which the dataset lacks", "a session rule is missing"
    assert [reason in result.out for reason in reasons] == [lacks.startswith("timestamp"), lacks.startswith("session")]
    assert statuses(here / "results") == {
        "ESMM": "done",
        "Shared Bottom": "done",
        "RMTL-ESMM": "not-applicable",
        "RMTL-Shared Bottom": "not-applicable",
    }


def test_parallel_tasks_rule_out_a_funnel_backbone(mtlbench: Any, here: Path) -> None:
    write_own_table(here, DESCRIPTION.replace('"purchase"', '"wish"') + 'relation = "parallel"\n')
    own_table().assign(wish=lambda frame: 1 - frame["purchase"]).to_csv(here / "my_log.csv", index=False)
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 0, result.err
    assert statuses(here / "results")["ESMM"] == "not-applicable"
    assert statuses(here / "results")["RMTL-Shared Bottom"] == "done"


def test_a_description_of_ten_lines_is_enough(here: Path) -> None:
    assert len(DESCRIPTION.splitlines()) <= 10


def test_bins_vectors_and_a_split_by_users_run_everything(mtlbench: Any, here: Path) -> None:
    text = DESCRIPTION.replace(".csv", ".parquet").replace('numerical = ["price"]', "binned = { price = 4 }")
    write_own_table(here, text + 'vectors = ["text"]\nsplit = { by_user = true, fractions = [0.5, 0.25, 0.25] }\n')
    frame = own_table()
    frame["text"] = [[float(user), 1.0 / (1 + user)] for user in frame["user_id"]]
    frame.to_parquet(here / "my_log.parquet")
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 0, result.err
    assert "split 50:25:25 by user" in (here / "results" / "leaderboard.md").read_text()
    assert "later than the first test row" in result.err
    assert set(statuses(here / "results").values()) == {"done"}


def test_a_description_that_a_study_file_names_is_found_from_anywhere(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_own_table(here)
    pairs = ("--backbone", "mmoe", "--weighting", "constant", "--seeds", 1, "--out", here / "results")
    (here / "study.toml").write_text('datasets = "table[schema=my_log.toml]"\n')
    assert mtlbench("run", "--dataset", "table[schema=my_log.toml]", "--epochs", 1, "--jobs", 1, *pairs).code == 0
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    result = mtlbench("run", "--config", "../study.toml", "--epochs", 1, "--dry-run", *pairs)
    assert "1 cell, 1 of them recorded already" in result.out, result.err  # the same cell, wherever it is called
    named = mtlbench("run", "--config", "../study.toml", "--dataset", "table[schema=my_log.toml]", "--dry-run", *pairs)
    assert named.code == 2  # an option's path starts here
    assert "my_log.toml" in named.err
