"""``mtlbench doctor`` and ``mtlbench reproduce``."""

import json
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

from mtlbench.records import RecordStore, read_record
from mtlbench.records.searches import read_searches

RUN = ["run", "--dataset", "synthetic[rows=2000]", "--backbone", "shared-bottom", "--seeds", 1, "--epochs", 1]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_doctor_tells_versions_and_what_is_wrong(mtlbench: Any) -> None:
    Path("bad.py").write_text("1 / 0")
    result = mtlbench("doctor", "--plugin", "bad.py", "--json")
    assert result.code == 1
    findings = {finding["name"]: finding for finding in json.loads(result.out)}
    assert {"mtlbench", "torch", "cores", "memory", "products", "cache", "data of kuairand"} <= findings.keys()
    assert "ZeroDivisionError" in findings["plugin bad"]["value"]
    assert findings["plugin bad"]["remedy"]
    assert "WRONG: mend or remove it" in mtlbench("doctor", "--plugin", "bad.py").out


def test_a_cell_is_reproduced_with_the_cell_it_builds_on(mtlbench: Any) -> None:
    assert mtlbench(*RUN, "--weighting", "rmtl", "--jobs", 1).code == 0
    before = {path: path.read_bytes() for path in RecordStore("results").paths()}
    [path] = [path for path in before if ".rmtl." in path.name]
    result = mtlbench("reproduce", read_record(path).cell[:8], "--quiet")
    assert (result.code, result.err) == (0, "")
    assert "32 of 32 scores are the same" in result.out
    assert {path: path.read_bytes() for path in RecordStore("results").paths()} == before


def test_a_trial_is_measured_against_the_same_cell_again(mtlbench: Any) -> None:
    tuned = ["--weighting", "constant", "--trials", 2, "--objective", "delta-m", "--jobs", 1]
    assert mtlbench(*RUN, *tuned).code == 0
    [search] = read_searches(Path("results/records"))
    trial = search.trials[1].cell
    result = mtlbench("reproduce", trial[:12], "--quiet")
    assert (result.code, result.err) == (0, "")
    assert "32 of 32 scores are the same" in result.out
    known = {read_record(path).cell: path for path in RecordStore("results").paths()}
    reference = read_record(known[trial]).selection.reference
    for cell in known.keys() - {trial, reference}:
        known[cell].unlink()
    verified = mtlbench("leaderboard", "verify", "results", "--rerun", 2)
    assert "2 records and 1 page checked, 2 cells run again" in verified.out
    assert "rerun:" not in verified.out
    known[reference].unlink()
    alone = mtlbench("reproduce", str(known[trial]), "--quiet")
    assert alone.code == 2
    assert f"against the cell {reference[:12]}, which has no record beside it; bring that record back" in alone.err


@pytest.mark.parametrize("later", ["api.added_later(3)", "api.added_later(3, before=0)"])
def test_a_cell_of_a_plugin_that_has_one_more_parameter_since_is_reproduced(mtlbench: Any, later: str) -> None:
    plugin = write(Path(), "mine.py", weighting("mine", params="rate: float = 1.0"))
    assert mtlbench(*RUN, "--weighting", "mine", "--plugin", plugin, "--jobs", 1).code == 0
    [path] = RecordStore("results").paths()
    write(Path(), "mine.py", weighting("mine", params=f"rate: float = 1.0\nmore: int = {later}"))
    result = mtlbench("reproduce", path, "--plugin", plugin, "--quiet")
    assert (result.code, result.err) == (0, "")
    assert "32 of 32 scores are the same" in result.out


def test_other_scores_and_another_machine_are_told(mtlbench: Any) -> None:
    assert mtlbench(*RUN, "--weighting", "constant", "--jobs", 1).code == 0
    [path] = RecordStore("results").paths()
    content = json.loads(path.read_text())
    content["metrics"]["test"]["click"]["auc"] += 0.001
    content["environment"]["processor"] = "Another\x1b[2J CPU"
    path.write_text(json.dumps(content))
    result = mtlbench("reproduce", str(path), "--quiet")
    assert result.code == 3
    assert "test click AUC" in result.out
    assert "Another [2J CPU" in result.out
    assert "31 of 32 scores are the same" in result.out
    assert mtlbench("reproduce", str(path), "--quiet", "--tolerance", 0.01).code == 0


@pytest.mark.parametrize(("field", "value", "told"), [("protocol", 0, "protocol 0"), ("status", "failed", "no scores")])
def test_what_cannot_be_run_again(mtlbench: Any, field: str, value: object, told: str) -> None:
    mtlbench(*RUN, "--weighting", "constant", "--jobs", 1)
    [path] = RecordStore("results").paths()
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    result = mtlbench("reproduce", str(path))
    assert result.code == 2
    assert told in result.err
    assert mtlbench("reproduce", "ffff0000").code == 2
