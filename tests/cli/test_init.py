"""``mtlbench init``: from a file to a project, or to a reason and a remedy with nothing written."""

import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from case_logs import visits
from own_tables import own_table

from mtlbench.scaffold import project
from mtlbench_plugins.datasets.table import Table


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def one_core() -> Iterator[None]:
    """Cells run in this process then."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    yield
    os.sched_setaffinity(0, every)


def save(frame: pd.DataFrame, name: str = "my_log.csv") -> str:
    frame.to_csv(name, index=False)
    return name


def words(text: str) -> str:
    return " ".join(text.split())


def rated() -> pd.DataFrame:
    """Ratings from 0 to 4, words, and an amount with gaps; no column is an outcome by its name alone."""
    random = np.random.default_rng(0)
    frame = visits().drop(columns=["click", "purchase"])
    frame["stars"] = random.integers(0, 5, size=len(frame))
    frame["plan"] = random.choice(["free", "gold", "team"], size=len(frame))
    frame["weighed"] = (frame.index % 3 > 0).astype(int)
    frame["weight_kg"] = pd.Series(random.gamma(2, 20, size=len(frame)).round(1)).where(frame["weighed"] == 1)
    return frame


@pytest.mark.usefixtures("one_core")
def test_one_command_makes_a_project_with_its_page_and_report(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = own_table().assign(watched=lambda frame: frame["click"] * 9.5, shop="x")
    result = mtlbench("init", save(frame), "--out", "deep/study", "--quiet", "--weighting", "constant")
    assert result.code == 0, result.err
    folder = here / "deep" / "study"
    assert sorted(path.name for path in folder.iterdir()) == ["log.toml", "results", "study.toml"]
    said = words(result.out)
    assert "Tasks, a funnel" in said
    assert "shop text 1 left out one value alone" in said
    assert "watched number 2 left out leak suspect: alone it predicts click with AUC 1.000" in said
    page = (folder / "results" / "leaderboard.md").read_text()
    assert "| Shared Bottom" in page
    assert "my_log.csv" in (folder / "results" / "report.html").read_text()
    assert "mtlbench run --config deep/study/study.toml --seeds 10" in result.err
    monkeypatch.chdir("/")
    again = mtlbench("run", "--config", folder / "study.toml", "--dry-run")
    assert "3 cells, 3 of them recorded already" in again.out, again.err


def test_the_draft_is_that_of_describe_and_every_row_is_used(mtlbench: Any, here: Path) -> None:
    name = save(own_table())
    (here / "about").mkdir()
    mtlbench("data", "describe", name, "--toml", "about/log.toml")
    result = mtlbench("init", name, "--out", "study", "--no-run")
    assert result.code == 0, result.err
    assert (here / "study" / "log.toml").read_text() == (here / "about" / "log.toml").read_text()
    assert sorted(path.name for path in (here / "study").iterdir()) == ["log.toml", "study.toml"]
    study = (here / "study" / "study.toml").read_text()
    assert tomllib.loads(study)["datasets"] == "table[schema=log.toml]"
    assert tomllib.loads(study)["weightings"] == ["constant", "uncertainty", "pcgrad"]
    assert "300 rows" in study
    assert "mtlbench run --config study/study.toml" in result.err


@pytest.mark.parametrize(("rows", "epochs"), [(1, 20), (100_000, 20), (1_000_000, 2), (5_000_000, 1)])
def test_a_larger_log_has_fewer_epochs(rows: int, epochs: int) -> None:
    assert project.first_study("table[schema=log.toml]", rows, (), ())["epochs"] == epochs


def test_a_log_that_would_take_long_is_described_and_not_run(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "LARGEST", 299)
    result = mtlbench("init", save(own_table()), "--out", "study")
    assert result.code == 0
    assert "300 rows take long even for one epoch, so nothing is run yet" in result.err
    assert not (here / "study" / "results").exists()


def test_tasks_that_are_named_are_columns_rules_and_numbers(mtlbench: Any, here: Path) -> None:
    frame = rated()
    tasks = [word for task in ("stars>=1", "stars>=3", "plan==gold", "weight_kg") for word in ("--task", task)]
    result = mtlbench("init", save(frame), "--out", "study", "--no-run", *tasks)
    assert result.code == 0, result.err
    assert "stars integer 5 label gives stars_at_least_1, stars_at_least_3" in words(result.out)
    log = Table(Table.Params(schema_=here / "study" / "log.toml")).load(here)
    expected = {
        "stars_at_least_1": frame["stars"] >= 1,
        "stars_at_least_3": frame["stars"] >= 3,
        "plan_is_gold": frame["plan"] == "gold",
    }
    for name, label in expected.items():
        assert log.frame[name].tolist() == label.tolist()
    assert log.frame["weight_kg"].notna().tolist() == frame["weight_kg"].notna().tolist()
    assert {task.name: task.kind for task in log.described_tasks} == {
        **dict.fromkeys(expected, "binary"),
        "weight_kg": "nonnegative",
    }
    assert not {"stars", "plan", "weighed", "weight_kg"} & {*log.categorical, *log.numerical}
    assert "weighed integer 2 left out says where weight_kg was observed" in words(result.out)


def test_named_tasks_of_a_funnel_are_in_its_order(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(visits()), "--task", "purchase", "--task", "click")
    assert 'tasks = ["click", "purchase"]\nrelation = "funnel"' in result.out
    named = ("--task", "purchase", "--task", "click", "--task", "price>=20")
    result = mtlbench("data", "describe", "my_log.csv", *named)
    assert 'relation = "parallel"' in result.out  # none of the three is dropped
    assert "purchase" in result.out.split("relation = ")[0].splitlines()[-1]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("plann==gold", "there is no column 'plann' (did you mean 'plan'?); a task is COLUMN, COLUMN>=NUMBER or"),
        ("plan", ", not 0 and 1: say which value counts as 1, such as 'plan=="),
        ("plan==silver", "task 'plan==silver' is 1 in no row"),
        ("stars>=0", "task 'stars>=0' is 1 in every row"),
        ("stars>=many", "'many' is no number"),
        ("plan>=3", "column 'plan' holds no numbers"),
    ],
)
def test_a_task_that_cannot_be_one_is_refused(task: str, message: str, mtlbench: Any, here: Path) -> None:
    result = mtlbench("init", save(rated()), "--out", "study", "--task", "stars>=3", "--task", task)
    assert result.code == 2
    assert message in result.err
    assert not (here / "study").exists()


def nothing_to_learn() -> str:
    return save(rated().drop(columns=["stars", "plan", "weighed", "weight_kg"]))


def events() -> str:
    return save(rated().assign(event=lambda frame: np.resize(["view", "view", "cart", "buy"], len(frame))))


def latin_1() -> str:
    Path("my_log.csv").write_bytes(own_table().assign(city="Tromsø").to_csv(index=False).encode("latin-1"))
    return "my_log.csv"


def same_name_twice() -> str:
    return save(own_table().assign(more=1).rename(columns={"more": "click"}))


def texts_alone() -> str:
    random = np.random.default_rng(0)
    review = [" ".join(random.choice(["good", "bad", "long", "fine", "dull"], size=8)) for _ in range(300)]
    return save(own_table()[["click", "purchase"]].assign(review=review))


def two_tables() -> str:
    Path("tables").mkdir()
    save(own_table(), "tables/log.csv")
    save(pd.DataFrame({"item": [1], "colour": ["red"]}), "tables/items.csv")
    return "tables"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "absent.csv", "absent.csv is not there"),
        (lambda: Path("empty.csv").touch() or "empty.csv", "the file is empty"),
        (lambda: Path("folder").mkdir() or "folder", "the folder folder holds no table"),
        (lambda: save(own_table()[:0]), "there are no rows"),
        (lambda: save(visits().drop(columns="purchase")), "1 task found: click; a weighting needs two or more"),
        (lambda: save(visits().drop(columns="purchase")), "--task click --task 'COLUMN>=NUMBER'"),
        (lambda: save(rated().rename(columns={"stars": "rating"})), "0 tasks found; a weighting needs two or more. "),
        (lambda: save(rated().rename(columns={"stars": "rating"})), "These may be tasks: rating, weight_kg."),
        (nothing_to_learn, "--task COLUMN --task 'COLUMN>=NUMBER'"),
        (events, "this is a log of events: column 'event' says what happened"),
        (latin_1, "is not UTF-8 text"),
        (same_name_twice, "the header names column 'click' 2 times: rename one"),
        (texts_alone, "no column is left for an input"),
        (two_tables, "has other columns than tables/items.csv: it lacks 'item', 'colour'"),
    ],
)
def test_what_makes_no_study_exits_2_with_the_remedy(
    make: Callable[[], str], message: str, mtlbench: Any, here: Path
) -> None:
    result = mtlbench("init", make(), "--out", "study")
    assert result.code == 2
    assert message in result.err
    assert not (here / "study").exists()


def test_free_text_is_left_out_and_said_how_to_use(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", texts_alone())
    assert "# left out: review (free text: make vectors of it by a pretrained model" in result.out


@pytest.mark.usefixtures("here")
def test_an_index_that_pandas_wrote_is_no_input(mtlbench: Any) -> None:
    own_table().to_csv("my_log.csv")
    assert "# left out:  (the row number, as pandas writes it)" in mtlbench("data", "describe", "my_log.csv").out


def test_a_folder_with_files_is_left_alone(mtlbench: Any, here: Path) -> None:
    name = save(own_table())
    assert mtlbench("init", name, "--out", "study", "--no-run").code == 0
    mine = here / "study" / "log.toml"
    mine.write_text("# mine")
    result = mtlbench("init", name, "--out", "study", "--no-run")
    assert result.code == 2
    assert "study has a study already: `mtlbench run --config study/study.toml` goes on with it" in result.err
    assert mine.read_text() == "# mine"
    result = mtlbench("init", name, "--out", ".", "--no-run")
    assert (result.code, result.out) == (2, "")
    assert ". has files already" in result.err
    assert mtlbench("init", name, "--out", name, "--no-run").code == 2
    inside = mtlbench("init", ".", "--out", "new", "--no-run", "--force")
    assert (inside.code, "new is in the folder of the log" in inside.err) == (2, True)
    assert mtlbench("init", name, "--out", "study", "--no-run", "--force").code == 0
    assert "tasks = " in mine.read_text()


def test_an_unknown_method_is_refused_before_anything_is_written(mtlbench: Any, here: Path) -> None:
    result = mtlbench("init", save(own_table()), "--out", "study", "--weighting", "rmtll")
    assert result.code == 2
    assert "did you mean 'rmtl'?" in result.err
    assert not (here / "study").exists()


def test_a_log_that_cannot_be_encoded_keeps_the_files_to_correct(mtlbench: Any, here: Path) -> None:
    frame = own_table().reset_index(drop=True)
    frame.loc[7, "price"] = 1e30
    result = mtlbench("init", save(frame), "--out", "study", "--quiet")
    assert result.code == 2
    assert "row 9" in result.err
    assert result.err.rstrip().endswith("then: mtlbench run --config study/study.toml")
    assert sorted(path.name for path in (here / "study").iterdir()) == ["log.toml", "study.toml"]
