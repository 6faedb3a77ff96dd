"""A study end to end on a CSV that no plugin of ours knows, described in ten lines of TOML."""

import json
from pathlib import Path

import pandas as pd
import pytest

from studies import finish_here

NUMBERS = ("age", "wage", "gains", "losses", "dividends", "weeks")
PLACES = {"age": 0, "wage": 5, "gains": 16, "losses": 17, "dividends": 18, "weeks": 39}
NAMES = {7: "marital", 41: "income"}
SECRETS = {22, 23, 24}
"""Household status, which spells the marital one, and the weight of the sample."""


@pytest.fixture(scope="module")
def folder(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Census-Income as a CSV file with a header of our own, and its description."""
    raw = data_dir / "census-income" / "census-income.test.gz"
    if not raw.is_file():
        pytest.skip(f"no Census-Income: {raw} is absent")
    frame = pd.read_csv(raw, header=None, skipinitialspace=True, keep_default_na=False)
    names = {place: name for name, place in PLACES.items()} | NAMES
    frame.columns = [names.get(place, f"answer_{place}") for place in range(42)]
    folder = tmp_path_factory.mktemp("survey")
    frame.to_csv(folder / "survey.csv", index=False)
    answers = [f"answer_{place}" for place in range(42) if place not in {*names, *SECRETS}]
    lines = [
        'files = "survey.csv"',
        'relation = "parallel"',
        "tasks = [",
        '  { name = "rich", column = "income", equals = "50000+." },',
        '  { name = "single", column = "marital", equals = "Never married" },',
        "]",
        f"categorical = {json.dumps(answers)}",
        f"numerical = {json.dumps(NUMBERS)}",
    ]
    assert len(lines) <= 10
    (folder / "survey.toml").write_text("\n".join(lines) + "\n")
    return folder


def test_a_study_runs_from_the_csv_to_the_leaderboard(
    folder: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    study = ["--backbone", "shared-bottom,mmoe,esmm", "--weighting", "constant,rmtl", "--seeds", "1", "--epochs", "1"]
    finish_here(["--dataset", "table[schema=survey.toml]", *study], Path("out"))
    records = [json.loads(path.read_text()) for path in (folder / "out" / "records").glob("*.json")]
    status = {record["method"]: record["status"] for record in records}
    assert {method for method, state in status.items() if state == "done"} == {"Shared Bottom", "MMoE"}
    assert {state for method, state in status.items() if "ESMM" in method or "RMTL" in method} == {"not-applicable"}
    [shared] = [record for record in records if record["method"] == "Shared Bottom"]
    assert shared["dataset"]["facts"]["rows"] == 99_762
    assert shared["metrics"]["test"]["rich"]["auc"] > 0.85
    assert shared["metrics"]["test"]["single"]["auc"] > 0.85
    page = (folder / "out" / "leaderboard.md").read_text()
    assert "split random with a fixed seed, for want of timestamps" in " ".join(page.split())
    assert "Shared Bottom" in capsys.readouterr().out
