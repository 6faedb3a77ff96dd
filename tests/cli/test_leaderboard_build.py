"""``mtlbench leaderboard build``: which files it writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from record_factory import runs

from mtlbench.records import RecordStore


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder of two methods and six seeds."""
    store = RecordStore(tmp_path)
    for one in [
        *runs("PLE", [0.70 + i / 1e3 for i in range(6)]),
        *runs("RMTL-PLE", [0.7302 + i / 2e3 for i in range(6)]),
    ]:
        store.write(one, one.cell[:12])
    return tmp_path


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def page(folder: Path, name: str = "leaderboard.md") -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_markdown_alone_by_default_and_stdout_is_its_main_table_and_verdict(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "build", results)
    assert done.code == 0, done.err
    assert written(results) == {"leaderboard.md"}
    assert "| RMTL-PLE |" in page(results)
    assert r"**0.7315(10)\***" in page(results)
    [row] = [line.split() for line in done.out.splitlines() if line.startswith("RMTL-PLE  ")]
    assert row[2] == "0.7315(10)*"
    assert "RMTL-PLE beats Constant in click (AUC +0.0290" in done.out
    assert '"methods"' not in done.out


def test_details_are_the_page_without_the_scores_of_every_seed(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "build", results, "--details")
    assert "# Leaderboard\n" in done.out
    _, _, rest = page(results).partition("# Leaderboard\n")
    tables, _, scores = rest.partition("<details>\n<summary>The score of every seed")
    assert tables.strip() in done.out
    assert '"methods"' in scores
    assert '"methods"' not in done.out


def test_every_format_at_once(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "build", results, "--format", "md,csv, tex,json,parquet")
    assert done.code == 0, done.err
    assert written(results) == {f"leaderboard.{end}" for end in ("md", "csv", "tex", "json", "parquet")}
    assert r"\toprule" in (results / "leaderboard.tex").read_text()
    rows = json.loads((results / "leaderboard.json").read_text())
    assert {row["verdict"] for row in rows if row["metric"] == "auc" and row["method"] == "RMTL-PLE"} == {"better"}
    for found in (pd.read_csv(results / "leaderboard.csv"), pd.read_parquet(results / "leaderboard.parquet")):
        assert list(found["mean"]) == pytest.approx([row["mean"] for row in rows])


def test_sort_and_baseline(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "build", results, "--sort", "click.auc", "--baseline", "rmtl")
    assert done.code == 0, done.err
    assert page(results).index("| RMTL-PLE |") < page(results).index("| PLE ")
    assert done.out.index("\nRMTL-PLE ") < done.out.index("\nPLE ")
    assert "<u>0.7025(20)°</u>" in page(results)


def test_a_page_beside_its_records(mtlbench: Any, results: Path) -> None:
    (results / "records").rename(results / "board")
    (results / "records").mkdir()
    (results / "board").rename(results / "records" / "mine")
    done = mtlbench("leaderboard", "build", results / "mine.md", "--format", "md,csv")
    assert done.code == 0, done.err
    assert written(results) == {"mine.md", "mine.csv"}
    assert "| RMTL-PLE |" in page(results, "mine.md")
    absent = mtlbench("leaderboard", "build", results / "other.md")
    assert absent.code == 2
    assert str(results / "records" / "other") in absent.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "md,cvs"], "unknown format 'cvs': did you mean 'csv'?"),
        (["--sort", "click.acu"], "unknown sort key 'click.acu': did you mean 'click.auc'?"),
        (["--baseline", "rmlt"], "unknown baseline 'rmlt': did you mean 'rmtl'?"),
        (["--layout", "papr"], "unknown layout 'papr': did you mean 'paper'?"),
    ],
)
def test_wrong_options_exit_2_and_write_nothing(mtlbench: Any, results: Path, options: list[str], message: str) -> None:
    done = mtlbench("leaderboard", "build", results, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert written(results) == set()
