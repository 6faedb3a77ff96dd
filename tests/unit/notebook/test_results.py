"""From Python: run a study, load results, and all that can be made of them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

import mtlbench
from mtlbench import api
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.notebook import running
from mtlbench.notebook.own import specs

STUDY = {"datasets": "synthetic[rows=1500]", "backbones": "shared-bottom", "seeds": 2, "epochs": 1, "jobs": 1}


class Doubled(api.Weighting):
    """Every task weighs two."""

    name, label = "doubled", "Doubled"

    def weigh(self, step: api.Step) -> torch.Tensor:
        """Weights (K,)."""
        return torch.full_like(step.task_losses, 2.0)


class Nameless(api.Weighting):
    """A class that forgot its name."""

    def weigh(self, step: api.Step) -> torch.Tensor:
        """Weights (K,)."""
        return api.ones(step)


Doubled.__module__ = "__main__"  # as a notebook defines it


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> mtlbench.Results:
    out = tmp_path_factory.mktemp("study") / "results"
    return mtlbench.run(weightings=["constant", Doubled], out=out, quiet=True, **STUDY)


def test_importing_the_package_imports_nothing_slow() -> None:
    slow = "[name for name in ('torch', 'pandas', 'rich') if name in sys.modules]"
    code = f"import sys, mtlbench; print({slow}, dir(mtlbench))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("[] ")
    assert "'run'" in said


def test_a_class_of_a_notebook_is_a_weighting_like_any_other(results: mtlbench.Results) -> None:
    assert {(record.method, record.status) for record in results.records} == {
        ("Shared Bottom", "done"),
        ("Doubled-Shared Bottom", "done"),
    }


def test_worker_processes_find_such_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path))
    names, files = specs("weightings", Doubled)
    assert names == ["doubled"]
    found = discover(files).weightings["doubled"].cls
    assert found is not Doubled
    assert issubclass(found, Doubled)
    assert Doubled.__module__ == "__main__"


def test_the_frame_has_a_row_for_each_cell(results: mtlbench.Results) -> None:
    frame = results.frame()
    assert len(frame) == len(results) == 4
    assert set(frame["weighting"]) == {"constant", "doubled"}
    by_cell = {record.cell: record for record in results.records}
    for _, row in frame.iterrows():
        record = by_cell[row["cell"]]
        assert row["test.click.auc"] == record.metrics["test"]["click"]["auc"]
        assert row["validation.conversion.logloss"] == record.metrics["validation"]["conversion"]["logloss"]
        assert row["training.epochs"] == 1
        assert row["dataset.rows"] == 1500
        assert row["steps"] == sum(stage.steps for stage in record.spend)


def test_the_leaderboard_shows_itself_everywhere(results: mtlbench.Results) -> None:
    board = results.leaderboard()
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(board)
    for text in (board._repr_html_(), str(board), console.export_text()):
        assert "Doubled-Shared Bottom" in text
    assert board._repr_html_().count("<tr>") >= 6
    assert str(board) in (results.paths[0] / "leaderboard.md").read_text()


def test_a_table_in_html_shows_what_a_record_says_and_does_nothing() -> None:
    from mtlbench.leaderboards.formats.html import to_html
    from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell

    hostile = "<script>alert(1)</script>"
    cell = TableCell(hostile, hostile, bold=True)
    table = Table(
        hostile, (hostile,), (hostile,), (Head(hostile, hostile),), (Line((cell,), (cell,)),), ((hostile,) * 2,)
    )
    assert "<script" not in to_html([table])
    assert to_html([table]).count("&lt;script&gt;") == 11


def test_loading_gives_the_same_from_a_folder_a_page_and_a_list(results: mtlbench.Results) -> None:
    (out,) = results.paths
    assert mtlbench.load(out).records == results.records
    assert mtlbench.load([str(out)]).records == results.records
    page = mtlbench.load("leaderboards/synthetic.md" if Path("leaderboards").is_dir() else out)
    assert len(page) > 0
    with pytest.raises(UsageError, match="is in two of"):
        mtlbench.load([out, out])
    with pytest.raises(UsageError, match="no results are named"):
        mtlbench.load([])


def test_comparing_with_itself_finds_no_difference(results: mtlbench.Results) -> None:
    found = results.compare(results)
    assert found.regressed == ()
    assert "same" in str(found)
    assert str(results.compare(results.paths[0])) == str(found)


def test_the_best_is_by_validation_alone(results: mtlbench.Results) -> None:
    found = results.best("click=1")
    assert list(found["objective"]) == sorted(found["objective"], reverse=True)
    means: dict[str, list[float]] = {}
    for record in results.records:
        means.setdefault(record.method, []).append(record.metrics["validation"]["click"]["auc"])
    for _, row in found.iterrows():
        assert row["objective"] == pytest.approx(np.mean(means[row["method"]]))
    with pytest.raises(UsageError, match="no task of the dataset"):
        results.best("clik=1")


def test_figures_and_reports_are_made(results: mtlbench.Results, tmp_path: Path) -> None:
    picture = results.figure("tradeoff")
    assert "<svg" in picture._repr_svg_()
    assert picture.save(tmp_path / "t.svg").read_text() == picture.svg
    assert picture.save(tmp_path / "t.png").read_bytes() == picture._repr_png_()
    assert picture.png.startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"t.pdf: a figure is saved as .svg or .png"):
        picture.save(tmp_path / "t.pdf")
    with pytest.raises(UsageError, match="did you mean 'ranks'"):
        results.figure("rank")
    assert "Doubled-Shared Bottom" in results.report(tmp_path / "r.html").read_text()
    for folder in (tmp_path, "."):
        with pytest.raises(UsageError, match="it is a folder; name a file in it"):
            results.report(folder)


def test_the_page_of_a_results_folder_stands_for_its_records(results: mtlbench.Results, tmp_path: Path) -> None:
    assert mtlbench.load(results.paths[0] / "leaderboard.md").records == results.records
    with pytest.raises(UsageError, match=r"there are no records in .*; copy them there"):
        mtlbench.load(tmp_path / "leaderboard.md")


def test_a_baseline_may_be_one_name(results: mtlbench.Results) -> None:
    assert str(results.leaderboard(baselines="doubled")) == str(results.leaderboard(baselines=["doubled"]))


def test_a_second_run_trains_nothing(results: mtlbench.Results, capsys: pytest.CaptureFixture[str]) -> None:
    again = mtlbench.run(weightings=["constant", Doubled], out=results.paths[0], **STUDY)
    assert again.records == results.records
    said = capsys.readouterr().err
    assert "4 cells, 4 of them recorded already" in said
    assert again.verdict() in said
    assert "Every method was cut off at the limit of 1 epoch" in said


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"weightings": "rmlt"}, "did you mean 'rmtl'"),
        ({"weightings": [3]}, "3 is neither a spec nor a subclass"),
        ({"weightings": 3}, "3 is neither a spec nor a subclass"),
        ({"weightings": [Nameless]}, "the class Nameless has no name; write name = 'nameless'"),
        ({"datasets": pd.DataFrame({"click": [1]})}, r"give mtlbench\.table\(frame, tasks="),
        ({"plugins": "absent.py"}, "absent.py is not there"),
        ({"seeds": 0}, "seeds = 0 is out of range"),
    ],
)
def test_wrong_use_is_an_error_with_its_remedy(tmp_path: Path, keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        mtlbench.run(**{"out": tmp_path / "results", **keys})
    assert not (tmp_path / "results").exists()


class Loud:
    """Something whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError


WRONG = (
    3,
    None,
    1.5,
    True,
    b"x",
    "a\0b",
    "\ud800",
    "x" * 5000,
    ["x", 3],
    {"a": 1},
    {1, 2},
    np.arange(2),
    torch.ones(2),
    Loud(),
)
"""What may stand anywhere by mistake."""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: type(value).__name__)
def test_nothing_that_is_given_to_a_function_ends_in_an_error_of_python(
    results: mtlbench.Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    def trained(*given: Any) -> None:
        raise UsageError("it would train")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "run_study", trained)
    for key in {"datasets", "weightings", "plugins", "config", *Study.model_fields} - {"backbones", "jobs"}:
        with pytest.raises(UsageError):
            mtlbench.run(**{"backbones": "mmoe", "jobs": 1, key: wrong})
    calls = (
        mtlbench.load,
        results.compare,
        results.figure,
        results.best,
        lambda given: results.leaderboard(layout=given),
        lambda given: results.leaderboard(sort=given),
        lambda given: results.leaderboard(baselines=given),
        lambda given: mtlbench.table(given, tasks=["a"]),
    )
    for call in calls:
        with pytest.raises(UsageError):
            call(wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda of: mtlbench.load(3), "path = 3: give a results folder or a leaderboard page, or a list of them"),
        (lambda of: mtlbench.load(["x", None]), "path = None: give a results folder"),
        (lambda of: mtlbench.load("x" * 5000), r"path = 'xxx.* cannot be a path: File name too long; give a results"),
        (lambda of: mtlbench.run(plugins=3), r"plugins = 3: give the path of a \.py file, or a list of them"),
        (lambda of: mtlbench.run(config=3), "config = 3: give the path of a study file"),
        (lambda of: mtlbench.run(out="a\0b"), "out = .* is invalid: it cannot be a path: embedded null byte"),
        (lambda of: mtlbench.run(data_dir="~nobody-here/x"), "data_dir = .* is invalid: it cannot be a path: "),
        (lambda of: mtlbench.run(objective=3), "objective = 3 is invalid: the objective 3 is no text; expected mean, "),
        (lambda of: mtlbench.run(learning_rate="x"), "learning_rate = x is invalid: "),
        (lambda of: of.compare(3), "other = 3: give results, a results folder or a leaderboard page"),
        (lambda of: of.compare(of, 3), "baseline = 3: give a text, such as 'constant'"),
        (lambda of: of.best(None), "the objective None is no text; expected mean, delta-m, or TASK=WEIGHT"),
        (lambda of: of.figure(3), "unknown figure 3: known: differences, heatmap, "),
        (lambda of: of.figure("ranking"), "unknown figure 'ranking': did you mean 'ranks'"),
        (lambda of: of.leaderboard(layout=[]), r"unknown layout \[\]: known: methods, paper"),
        (lambda of: of.leaderboard(sort=3), "sort = 3: give a text, such as 'rank' or 'click.auc'"),
        (lambda of: of.leaderboard(baselines=3), "baselines = 3: give a text, such as 'constant', or a list of two"),
        (lambda of: of.report(3), r"path = 3: give the path of an \.html file"),
        (lambda of: of.report("x.html", 3), "title = 3: give a text, such as 'My study'"),
    ],
)
def test_a_wrong_argument_is_named_with_what_to_give(results: mtlbench.Results, call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call(results)


def test_the_description_of_a_data_frame_may_hold_what_pandas_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path))
    frame = pd.DataFrame({"item": [1, 2], "click": [0, 1], "buy": [0, 1]})
    spec = mtlbench.table(frame, tasks=["click", "buy"], categorical=["item"])
    of_pandas = {"tasks": np.array(["click", "buy"]), "categorical": frame.columns[:1], "user": None}
    assert mtlbench.table(frame, **of_pandas) == spec
    with pytest.raises(UsageError, match="give texts, numbers and lists"):
        mtlbench.table(frame, tasks={"click", "buy"})
    with pytest.raises(UsageError, match="dict is no pandas data frame"):
        mtlbench.table({"click": [1]}, tasks=["click"])


def test_a_data_frame_is_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": rng.integers(0, 30, 900), "item": rng.integers(0, 40, 900), "time": range(900)})
    frame["click"] = rng.integers(0, 2, 900)
    frame["buy"] = frame["click"] * rng.integers(0, 2, 900)
    keys = {"tasks": ["click", "buy"], "categorical": ["user", "item"], "timestamp": "time", "timestamp_unit": "s"}
    keys["relative_time"] = True
    spec = mtlbench.table(frame, **keys)
    assert mtlbench.table(frame.copy(), **keys) == spec
    assert mtlbench.table(frame.assign(user=1), **keys) != spec
    monkeypatch.chdir(tmp_path)
    assert mtlbench.table(frame.head(600), "shop.toml", **keys) == "table[schema='shop.toml']"
    spec = mtlbench.table(frame, path="shop.toml", **keys)
    study = {**STUDY, "datasets": spec, "seeds": 1}
    found = mtlbench.run(weightings="constant", out=tmp_path / "results", quiet=True, **study)
    assert [record.status for record in found.records] == ["done"]
    assert found.records[0].dataset.tasks == ("click", "buy")
    assert found.records[0].dataset.facts["rows"] == 900
    assert "Table [schema=shop.toml]" in str(found.leaderboard())


def test_a_data_frame_replaces_no_file_of_others(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [1], "click": [1]})
    for name, message in [("shop.csv", "does not end in .toml"), ("shop.toml", "is not of mtlbench.table")]:
        (tmp_path / name).write_text("mine")
        with pytest.raises(UsageError, match=message):
            mtlbench.table(frame, path=tmp_path / name, tasks=["click"])
        assert (tmp_path / name).read_text() == "mine"
    (tmp_path / "log.parquet").write_text("mine")
    with pytest.raises(UsageError, match=r"the .parquet beside it"):
        mtlbench.table(frame, path=tmp_path / "log.toml", tasks=["click"])
