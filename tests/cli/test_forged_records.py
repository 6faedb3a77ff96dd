"""``mtlbench leaderboard verify`` on good records that were changed in one way: it names record, field and value."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from mtlbench.records import checksum, decoded, encoded, read_record
from mtlbench.tasks.metrics import METRICS
from mtlbench.training.stage import Batches
from mtlbench.verification.impossible import batches

STUDY = ["--dataset", "synthetic[rows=2500]", "--backbone", "shared-bottom", "--seeds", "2", "--epochs", "2"]
FORMATS = ["csv", "json", "parquet", "tex"]

Content = dict[str, Any]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mtlbench.cli import main

    out = tmp_path_factory.mktemp("trained") / "results"
    for command in (
        ["run", *STUDY, "--weighting", "constant,loss-aware", "--out", str(out), "--jobs", "1", "--quiet"],
        ["leaderboard", "build", str(out), "--format", ",".join(["md", *FORMATS])],
    ):
        with pytest.raises(SystemExit) as end:
            main(command)
        assert not end.value.code
    return out


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "results"))


def forge(results: Path, edit: Callable[[Content], object], weighting: str = "constant", seal: bool = True) -> Path:
    """Change the record of seed 0, and give it the checksum of its new content."""
    [path] = (results / "records").glob(f"*.{weighting}.seed0.*.json")
    content = json.loads(path.read_text())
    edit(content)
    if seal:
        content["checksum"] = checksum(content)
    path.write_text(json.dumps(content))
    return path


def found(mtlbench: Any, results: Path, check: str) -> list[str]:
    """The findings of one check."""
    done = mtlbench("leaderboard", "verify", results)
    lines = [line for line in done.out.splitlines() if line.startswith(f"{check}: ")]
    assert done.code == (1 if lines else done.code)
    return lines


def test_what_was_computed_is_well(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 0, done.out
    assert "4 records and 1 page checked: all is well" in done.out


OUTSIDE = [
    ("auc", 1.25, "AUC lies between 0 and 1"),
    ("auc", -0.1, "AUC lies between 0 and 1"),
    ("gauc", 7.0, "GAUC lies between 0 and 1"),
    ("gauc_coverage", 1.5, "GAUC coverage lies between 0 and 1"),
    ("logloss", -0.2, "Logloss lies between 0 and inf"),
    ("s_logloss", -0.2, "s-Logloss lies between 0 and inf"),
    ("normalised_entropy", -1.0, "NE lies between 0 and inf"),
    ("calibration", -2.0, "Calibration lies between 0 and inf"),
    ("average_precision", 1.5, "AP lies between 0 and 1"),
    ("xauc", 1.5, "XAUC lies between 0 and 1"),
    ("normalised_gini", -1.5, "Gini lies between -1 and 1"),
    ("r2", 1.5, "R2 lies between -inf and 1"),
    ("rmse", -3.0, "RMSE lies between 0 and inf"),
    ("mae", -3.0, "MAE lies between 0 and inf"),
    ("loss", -3.0, "Loss lies between 0 and inf"),
    ("s_loss", -3.0, "s-Loss lies between 0 and inf"),
]


def test_every_metric_has_a_range_and_a_forgery() -> None:
    assert {metric for metric, _, _ in OUTSIDE} == set(METRICS)
    for metric, value, _ in OUTSIDE:
        assert not METRICS[metric].can_be(value)
        assert METRICS[metric].can_be(0.5)


@pytest.mark.parametrize(("metric", "value", "reason"), OUTSIDE)
def test_a_score_outside_the_range_of_its_metric(
    mtlbench: Any, results: Path, metric: str, value: float, reason: str
) -> None:
    path = forge(results, lambda content: content["metrics"]["test"]["click"].update({metric: value}))
    [line] = found(mtlbench, results, "impossible")
    cell = read_record(path).cell[:12]
    assert line.startswith(f"impossible: {path}: Shared Bottom on Synthetic [rows=2500], seed 0 ({cell}): ")
    assert f"metrics.test.click.{metric} is {value!r}, but {reason}; run the cell again" in line


def test_influences_of_no_task(mtlbench: Any, results: Path) -> None:
    def other(content: Content) -> None:
        sums = content["influence"]["sums"]
        sums["cart"] = sums.pop("click")

    forge(results, other)
    [line] = found(mtlbench, results, "impossible")
    assert "influence.sums.cart is of no task of the dataset; run the cell again" in line


def test_influences_that_are_damaged(mtlbench: Any, results: Path) -> None:
    forge(results, lambda content: content["influence"]["sums"].update(click="AAAA"))
    done = mtlbench("leaderboard", "verify", results)
    assert "influence.sums.click: Value error, it is no list of sums; restore the file as mtlbench wrote it" in done.out


def test_influences_of_a_task_over_fewer_groups(mtlbench: Any, results: Path) -> None:
    forge(results, lambda content: content["influence"]["sums"].update(click=encoded(np.array([1.0, -1.0]))))
    [line] = found(mtlbench, results, "impossible")
    assert "influence.sums has tasks of different length" in line


def test_an_influence_that_was_changed(mtlbench: Any, results: Path) -> None:
    def other(content: Content) -> None:
        sums = content["influence"]["sums"]
        sums["click"] = encoded(-2 * decoded(sums["click"]))

    forge(results, other, seal=False)
    [line] = found(mtlbench, results, "checksum")
    assert "its content is not what was written" in line


def point(number: int, **fields: Any) -> Callable[[Content], None]:
    """Changes a field of an epoch of the curve, in the task click."""

    def edit(content: Content) -> None:
        for name, value in fields.items():
            content["curve"][number][name]["click"] = value

    return edit


def spend(**fields: Any) -> Callable[[Content], None]:
    return lambda content: content["spend"][0].update(fields)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (point(0, validation=1.5), "curve, stage train, epoch 1, validation.click is 1.5, but AUC lies between 0 and"),
        (point(1, train_loss=-0.25), "curve, stage train, epoch 2, train_loss.click is -0.25, but no loss is negative"),
        (
            lambda content: content["dataset"]["optimum"]["test"]["click"].update(auc=2.0),
            "dataset.optimum.test.click.auc is 2.0, but AUC lies between 0 and 1",
        ),
        (
            lambda content: content["dataset"].update(primary={"click": "luck\x1b[31m"}),
            r"dataset.primary.click is 'luck\x1b[31m', which is no metric of this mtlbench",
        ),
        (lambda content: content.update(curve=[]), "curve is empty, but status is done and spend reuses no other cell"),
        (lambda content: content.update(best_epoch={}), "best_epoch has no stage train, which the curve has"),
        (lambda content: content.update(best_epoch={"train": 0}), "best_epoch.train is 0, which keeps what the stage"),
        (
            spend(steps=1),
            "spend, stage train, steps is 1, but the curve has 2 epochs of that stage, of 2 steps each",
        ),
        (spend(steps=200), "spend, stage train, steps is 200, but the curve has 2 epochs of that stage, of 2 steps"),
        (spend(rows=7), "spend, stage train, rows is 7, but the curve has 2 epochs of that stage, of 1,500 rows each:"),
        (spend(stage="other"), "spend, stage train, steps is 0, but the curve has 2 epochs of that stage"),
        (lambda content: content.update(spend=[]), "spend, stage train, steps is 0, but the curve has 2 epochs"),
        (spend(seconds=-5.0), "spend, stage train, seconds is -5.0, which is negative"),
        (spend(peak_memory_mib=-5.0), "spend, stage train, peak_memory_mib is -5.0, which is negative"),
        (lambda content: content["metrics"]["test"]["click"].pop("auc"), "metrics.test.click.auc is missing, but"),
        (lambda content: content.update(metrics=None), "metrics.validation.click.auc is missing, but status is done"),
        (
            lambda content: content.update(status="failed", failure={"reason": "x"}),
            "status is failed, but metrics has",
        ),
    ],
)
def test_what_no_training_gives(mtlbench: Any, results: Path, edit: Callable[[Content], object], told: str) -> None:
    path = forge(results, edit)
    lines = found(mtlbench, results, "impossible")
    assert any(f"{path}: Shared Bottom on Synthetic" in line and told in line for line in lines), lines


def test_a_stage_that_kept_its_start_is_possible_only_after_another(mtlbench: Any, results: Path) -> None:
    def keep_start(content: Content) -> None:
        assert content["spend"][0]["reused_from"]
        content["best_epoch"] = {"continue": 0}

    forge(results, keep_start, "loss-aware")
    assert found(mtlbench, results, "impossible") == []

    def alone(content: Content) -> None:
        content["spend"] = content["spend"][1:]

    path = forge(results, alone, "loss-aware")
    [line] = found(mtlbench, results, "impossible")
    assert f"{path}: Loss-Aware-Shared Bottom on Synthetic [rows=2500], seed 0" in line
    assert "best_epoch.continue is 0, which keeps what the stage began with, but no stage came before it" in line


@pytest.mark.parametrize(("rows", "size"), [(1, 4), (4, 4), (5, 4), (6, 4), (8, 4), (9, 4), (3, 1), (1, 1)])
def test_the_batches_of_an_epoch_are_those_of_training(rows: int, size: int) -> None:
    assert batches(rows, size) == len(Batches(rows, size, 0, torch.device("cpu")).epoch("train", 1))


@pytest.mark.parametrize("value", ["gone", "null"])
def test_a_checksum_that_was_taken_away(mtlbench: Any, results: Path, value: str) -> None:
    def without(content: Content) -> None:
        content["metrics"]["test"]["click"]["auc"] = 0.9
        del content["checksum"]
        if value == "null":
            content["checksum"] = None

    path = forge(results, without, seal=False)
    [line] = found(mtlbench, results, "checksum")
    field = "crashes = 0" if value == "gone" else "checksum = None"
    assert f"{path}: Shared Bottom on Synthetic" in line
    assert f"checksum is missing, but the record has {field}, which only versions that write checksums do" in line


def edited_csv(path: Path) -> str:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    old = frame.loc[0, "mean"]
    frame.loc[0, "mean"] = "0.99"
    frame.to_csv(path, index=False, lineterminator="\n")
    return f"mean is '0.99', the records give {old!r}"


def edited_json(path: Path) -> str:
    rows = json.loads(path.read_text())
    old, rows[0]["mean"] = rows[0]["mean"], 0.99
    path.write_text(json.dumps(rows))
    return f"mean is 0.99, the records give {old!r}"


def edited_parquet(path: Path) -> str:
    frame = pd.read_parquet(path)
    old = float(frame.loc[0, "mean"])
    frame.loc[0, "mean"] = 0.99
    frame.to_parquet(path, index=False)
    return f"mean is 0.99, the records give {old!r}"


@pytest.mark.parametrize("edit", [edited_csv, edited_json, edited_parquet])
def test_a_file_of_numbers_that_says_something_else(mtlbench: Any, results: Path, edit: Callable[[Path], str]) -> None:
    path = results / f"leaderboard.{edit.__name__.removeprefix('edited_')}"
    told = edit(path)
    [line] = found(mtlbench, results, "file")
    assert line.startswith(f"file: {path}: Synthetic [rows=2500], ")
    assert f", click, auc: {told}: it was edited or is out of date; build it anew with" in line


def test_a_latex_file_that_says_something_else(mtlbench: Any, results: Path) -> None:
    path = results / "leaderboard.tex"
    text = path.read_text()
    row = next(line for line in text.splitlines() if line.startswith("Shared Bottom & "))
    path.write_text(text.replace(row, row.replace("0.", "9.", 1)))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"file: {path}: it does not read as the records give it" in done.out
    assert f"\n-{row.replace('0.', '9.', 1)}\n+{row}\n" in done.out


def test_rows_without_records_and_records_without_rows(mtlbench: Any, results: Path) -> None:
    path = results / "leaderboard.json"
    rows = json.loads(path.read_text())
    gone, rows[0]["method"] = rows[0]["method"], "Mine"
    path.write_text(json.dumps(rows))
    lost, extra = found(mtlbench, results, "file")
    assert f"Synthetic [rows=2500], {gone}, click, auc: the row is missing, and there are records of it" in lost
    assert "Synthetic [rows=2500], Mine, click, auc: there are no records of this row" in extra


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_file_of_its_format(mtlbench: Any, results: Path, name: str) -> None:
    path = results / f"leaderboard.{name}"
    path.write_bytes(b'\x00"nothing\xff')
    [line] = found(mtlbench, results, "file")
    assert str(path) in line


def test_files_built_with_other_options_than_the_page(mtlbench: Any, results: Path) -> None:
    options = ["--sort", "click.auc", "--layout", "paper", "--baseline", "loss-aware"]
    assert mtlbench("leaderboard", "build", results, "--format", ",".join(FORMATS), *options).code == 0
    assert "--layout paper" in (results / "leaderboard.tex").read_text().splitlines()[0]
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 0, done.out
    frame = pd.read_csv(results / "leaderboard.csv")
    assert set(frame["versus"].dropna()) == {"Loss-Aware-Shared Bottom"}
