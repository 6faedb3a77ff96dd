"""``mtlbench advise``: an answer within the budget, or a reason and a remedy with nothing written."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import DESCRIPTION, own_table

import mtlbench as package
from mtlbench.advice import advise as advising
from mtlbench.advice import planning, trying
from mtlbench.advice.budget import Budget
from mtlbench.records import RecordStore

PLAIN = DESCRIPTION.replace('"purchase"]', '"purchase"]\nrelation = "parallel"')


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def save(frame: pd.DataFrame, description: str = PLAIN) -> None:
    frame.to_csv("my_log.csv", index=False)
    Path("log.toml").write_text(description)


def rare(ones: int) -> pd.DataFrame:
    """So many purchases in each fifth of the log."""
    frame = own_table(1000).sort_values("time").reset_index(drop=True)
    return frame.assign(purchase=(np.arange(1000) % 200 < ones).astype(int))


@pytest.mark.parametrize(
    ("frame", "description", "said"),
    [
        (own_table(), PLAIN.replace(', "purchase"', ""), "log.toml has one task, click: a weighting weighs tasks"),
        (own_table().assign(purchase=0), PLAIN, "task 'purchase' has one class in the train split"),
        (own_table().assign(click=1, purchase=1), PLAIN, "has one class in the train split"),
        (rare(3), PLAIN, "task 'purchase' has 3 labels of its rarer class in the validation split"),
        (own_table(10), PLAIN, "split"),
    ],
)
def test_a_log_that_allows_no_answer_is_refused_and_nothing_is_written(
    mtlbench: Any, here: Path, frame: pd.DataFrame, description: str, said: str
) -> None:
    save(frame, description)
    result = mtlbench("advise", "log.toml", "--out", "advice")
    assert result.code == 2
    assert said in result.err
    assert result.out == ""
    assert not (here / "advice").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.toml"], "none.toml is not there: check the path"),
        (["none.csv"], "none.csv is not there: check the path"),
        (
            ["my_log.csv"],
            "first `mtlbench data describe my_log.csv --toml my_log.toml`, check it, then `mtlbench advise my_log.toml "
            "--out advice`",
        ),
        (["no-such-log"], "unknown dataset 'no-such-log'"),
        (["log.toml", "--minutes", "0"], "minutes = 0.0: give a number above 0"),
        (["log.toml", "--minutes", "nan"], "minutes = nan: give a number above 0"),
        (["log.toml", "--minutes", "inf"], "minutes = inf: give a number above 0, at most"),
        (["."], ". is a folder, and no description of a log: name the .toml file that describes it"),
        ([""], "log = '' names no log: name its description"),
        (["/"], "/ is a folder, and no description of a log"),
        (["log.toml", "--backbone", "rmtl"], "'rmtl' is a weighting, and no backbone: advise chooses the weightings"),
        (["log.toml", "--backbone", "none-such"], "unknown backbone 'none-such'"),
        (["log.toml", "--backbone", "all"], "name one of each"),
        (["log.toml", "--out", "my_log.csv"], "my_log.csv is a file: name a folder after --out"),
        (["log.toml", "--out", "my_log.csv/advice"], "my_log.csv is a file: name a folder after --out"),
        (["log.toml", "--out", ""], "out = '' names no folder: name one after --out"),
    ],
)
def test_wrong_use_is_refused_with_the_remedy_and_nothing_is_written(
    mtlbench: Any, here: Path, arguments: list[str], said: str
) -> None:
    save(own_table())
    result = mtlbench("advise", "--out", "advice", *arguments)
    assert result.code == 2
    assert said in result.err
    assert sorted(path.name for path in here.iterdir()) == ["log.toml", "my_log.csv"]


@pytest.mark.parametrize(("minutes", "larger"), [("2", "40"), ("0.001", "20"), ("2.5", "60")])
def test_a_budget_below_one_training_keeps_what_was_trained_and_names_a_larger_one(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch, minutes: str, larger: str
) -> None:
    save(own_table())
    monkeypatch.setattr(advising, "Budget", lambda seconds, spent: Budget(seconds, spent=seconds))
    result = mtlbench("advise", "log.toml", "--minutes", minutes, "--out", "advice", "--quiet")
    assert result.code == 2
    assert f"one training takes longer than {minutes} min, " in result.err
    assert f"the same command with --minutes {larger} goes on from what advice keeps" in result.err
    assert RecordStore(here / "advice" / "results").read_all() == []


def test_a_budget_without_room_for_a_comparison_says_so_and_which_one_has_it(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(own_table())
    monkeypatch.setattr(advising, "plan", lambda choices, pace, jobs, seconds: None)
    monkeypatch.setattr(advising, "Budget", lambda seconds, spent: Budget(seconds, clock=lambda: 0.0))
    result = mtlbench("advise", "log.toml", "--minutes", "1", "--jobs", "1", "--out", "advice", "--quiet")
    assert result.code == 0, result.err
    assert "**Use plain constant weights until more is known: this budget cannot tell" in result.out
    said = " ".join(result.out.split())
    assert "1 min cannot tell: 6 paired seeds, which a test needs, of 2 weightings do not fit." in said
    assert re.search(r"The same command with --minutes \d+ goes on from here\.", said)
    assert "loss = sum(task_losses) / len(task_losses)" in result.out
    assert json.loads((here / "advice" / "advice.json").read_text())["verdict"] == "cannot tell"
    # The network that was measured is not kept; what was measured is.
    assert not list((here / "advice" / "results").rglob("*.pt"))
    assert (here / "advice" / "measured.json").exists()
    assert str(package.advise("log.toml", 1, "advice", jobs=1, quiet=True)) == result.out
    # Another backbone would be compared with the first, and its answer would replace that of the first.
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    for backbone in ("ple", "shared-bottom[dropout=0.5]"):
        other = mtlbench("advise", "log.toml", "--backbone", backbone, "--out", "advice", "--quiet")
        assert other.code == 2
        assert "advice has results of another backbone, 'shared-bottom', or " in other.err
        assert "name a new folder after --out" in other.err
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_an_interrupted_command_says_that_it_goes_on(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **keys: object) -> None:
        raise KeyboardInterrupt

    save(own_table())
    monkeypatch.setattr(trying.runner, "run", interrupted)
    result = mtlbench("advise", "log.toml", "--out", "advice", "--quiet")
    assert result.code == 130
    assert "interrupted; the same command goes on where it stopped" in result.err


@pytest.mark.slow
def test_the_answer_is_on_the_screen_and_in_the_folder_and_costs_nothing_again(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LADDER", ((1, 0, 6), (2, 2, 6)))
    save(own_table(600))
    command = ("advise", "log.toml", "--minutes", "60", "--jobs", "1", "--out", "advice")
    result = mtlbench(*command)
    assert result.code == 0, result.err
    assert (here / "advice" / "advice.md").read_text() == result.out
    found = json.loads((here / "advice" / "advice.json").read_text())
    assert found["verdict"] in {"weighting", "constant", "trade-off"}
    assert f"**{found['headline']}**" in " ".join(result.out.split())
    assert "constant and 2 other weightings, each tuned over 2 trials, 6 paired seeds" in " ".join(result.err.split())
    assert "p < .05 over 6 paired seeds" in " ".join(result.out.split())
    assert "Scalarization" in {one["method"] for one in found["compared"]}
    records = {path: path.read_bytes() for path in (here / "advice" / "results" / "records").rglob("*.json")}
    again = mtlbench(*command)
    assert again.out == result.out
    assert {path: path.read_bytes() for path in (here / "advice" / "results" / "records").rglob("*.json")} == records
    save(own_table(500))
    refused = mtlbench(*command)
    assert refused.code == 2
    assert "advice has results of another log, or log.toml has changed since" in refused.err
