"""Settings of the training that every method can be given: flags, keys, records, and a new run from a record."""

import json
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from mtlbench.cells import Training
from mtlbench.cli.run import run
from mtlbench.config.study import SIZES, Study
from mtlbench.records import read_record
from mtlbench.records.schema import Record
from mtlbench.verification.rerun import rerun

SMALL = ("--dataset", "synthetic[rows=2000]", "--backbone", "shared-bottom", "--seeds", 1, "--jobs", 1, "--quiet")
SETTINGS: dict[str, float | int | str] = {
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "embedding_dropout": 0.1,
    "min_count": 3,
}
NETWORKS: dict[str, float | int] = {"dropout": 0.3, "embedding": 8}


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flags(given: dict[str, Any]) -> list[str]:
    return [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]


def records(folder: Path) -> dict[str, Record]:
    found = [read_record(path) for path in (folder / "records").glob("*.json")]
    return {f"{one.weighting.name} {one.backbone.name}": one for one in found}


def test_every_setting_of_the_training_is_a_key_and_every_key_but_pairs_of_grids_is_a_flag() -> None:
    decided_elsewhere = {"allowance", "decayed_rows"}  # by the budget's cell, and by the weight decay
    assert {field.name for field in fields(Training)} - decided_elsewhere <= set(Study.model_fields)
    assert set(SIZES) <= set(Study.model_fields)
    assert set(Study.model_fields) - set(signature(run).parameters) == {"also"}


def test_settings_of_all_networks_are_recorded_and_a_new_run_gives_the_same(mtlbench: Any, here: Path) -> None:
    weighting = "rmtl[critic_from=omoe,critic_epochs=1,embedding=4]"
    given = flags({"epochs": 1, **SETTINGS, **NETWORKS})
    assert mtlbench("run", *SMALL, "--weighting", weighting, *given, "--out", "out").code == 0
    found = records(here / "out")
    assert set(found) == {"constant shared-bottom", "constant omoe", "rmtl omoe", "rmtl shared-bottom"}
    for one in found.values():
        assert one.status == "done"
        assert SETTINGS.items() <= one.training.items()
        assert NETWORKS.items() <= one.backbone.changed.items()
        assert one.sizes == NETWORKS
    rmtl = found["rmtl shared-bottom"]
    assert (rmtl.weighting.params["embedding"], rmtl.weighting.params["dropout"]) == (4, 0.3)
    again = rerun(rmtl, (), here / "data", lambda event: None)
    assert again.metrics == rmtl.metrics


def test_settings_at_their_default_leave_a_cell_as_it_is(mtlbench: Any, here: Path) -> None:
    at_default = {"weight_decay": 0, "schedule": "constant", "embedding_dropout": 0, "min_count": 1, "dropout": 0.2}
    ids = []
    for number, given in enumerate(({}, at_default)):
        arguments = flags({"epochs": 1, **given, "out": f"out{number}"})
        assert mtlbench("run", *SMALL, "--weighting", "constant", *arguments).code == 0
        [path] = (here / f"out{number}" / "records").glob("*.json")
        content = json.loads(path.read_text())
        assert not {*SETTINGS, "decayed_rows"} - {"weight_decay"} & set(content["training"])
        assert content["backbone"]["changed"] == {}
        ids.append(content["cell"])
    assert ids[0] == ids[1]


def test_an_older_weight_decay_of_all_rows_is_not_run_as_one_of_the_rows_read(mtlbench: Any, here: Path) -> None:
    given = flags({"epochs": 1, "weight_decay": 1e-4, "out": "out"})
    assert mtlbench("run", *SMALL, "--weighting", "constant", *given).code == 0
    [record] = records(here / "out").values()
    older = {name: value for name, value in record.training.items() if name != "decayed_rows"}
    with pytest.raises(Exception, match="its weight decay was over all rows of embedding tables"):
        rerun(record.model_copy(update={"training": older}), (), here / "data", lambda event: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weight-decay", "-1"], "weight_decay = -1.0 is out of range: must be greater than or equal to 0"),
        (["--schedule", "cosin"], "schedule = cosin is invalid: must be 'constant', 'linear' or 'cosine'"),
        (["--embedding-dropout", "1"], "embedding_dropout = 1.0 is out of range: must be less than 1"),
        (["--min-count", "0"], "min_count = 0 is out of range: must be greater than or equal to 1"),
        (["--dropout", "1.5"], "dropout = 1.5 is out of range: must be less than 1"),
        (["--embedding", "0"], "embedding = 0 is out of range: must be greater than or equal to 1"),
        (["--embedding", "5000"], "backbone adatt: parameter embedding = 5000 is out of range"),
        (["--min-count", "few"], "--min-count"),
    ],
)
def test_a_bad_value_exits_2_with_what_may_be_given(
    mtlbench: Any, here: Path, arguments: list[str], message: str
) -> None:
    result = mtlbench("run", *arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert list(here.iterdir()) == []
