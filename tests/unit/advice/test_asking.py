"""What cannot be asked is refused at the start, with the value and what to give in its place."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from record_factory import plugin, runs

import mtlbench
from mtlbench.advice.asking import dataset_of, folder_of, require_no_weighting, require_same, seconds_of
from mtlbench.cells import PluginSpec
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.records import Record, RecordStore


@pytest.mark.parametrize("minutes", [math.inf, -math.inf, math.nan, 0, -1, 1e308, 10**400, True, "20", None, [20]])
def test_minutes_that_one_cannot_count_with_are_refused_before_anything_else(tmp_path: Path, minutes: Any) -> None:
    with pytest.raises(UsageError, match=r"^minutes = .*: give a number above 0, at most 1e\+30, such as 20$"):
        mtlbench.advise("no-such-log", minutes, tmp_path / "advice")
    assert not (tmp_path / "advice").exists()


@pytest.mark.parametrize("minutes", [2, 2.0, Fraction(2), np.float32(2), np.int64(2)])
def test_numbers_of_any_kind_are_minutes(minutes: Any) -> None:
    assert seconds_of(minutes) == 120
    assert isinstance(seconds_of(minutes), float)


@pytest.mark.parametrize("name", [".", "/", "..", "logs", "logs/", "logs.toml"])
def test_a_folder_is_no_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    Path("logs.toml").mkdir()
    with pytest.raises(UsageError, match=r"is a folder, and no description of a log: name the \.toml file") as caught:
        dataset_of(name, discover())
    assert f"`mtlbench data describe {name} --toml log.toml`" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "log = '' names no log: name its description"),
        ("  ", "names no log: name its description"),
        ("x" * 300, "cannot be a path: File name too long; give the description of a log"),
    ],
)
def test_a_name_that_no_log_can_have_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        dataset_of(name, discover())


def test_the_folder_of_the_advice_is_named_and_is_no_file(tmp_path: Path) -> None:
    file, taken = tmp_path / "file", tmp_path / "taken"
    file.touch()
    taken.mkdir()
    (taken / "results").touch()
    for out, found in ((file, file), (file / "below", file), (taken, taken / "results")):
        with pytest.raises(UsageError) as caught:
            folder_of(out)
        assert str(caught.value) == f"{found} is a file: name a folder after --out"
    for blank in ("", " "):
        with pytest.raises(UsageError, match="names no folder: name one after --out, such as advice"):
            folder_of(blank)
    with pytest.raises(UsageError, match="out = 3: give a folder"):
        folder_of(3)
    assert folder_of(".") == Path()
    assert folder_of(str(tmp_path / "new" / "below")) == tmp_path / "new" / "below"


@pytest.mark.parametrize("backbone", ["rmtl", "RMTL", "cagrad[c=0.4]", "shared-bottom,rmtl"])
def test_a_weighting_is_no_backbone(backbone: str) -> None:
    with pytest.raises(UsageError, match="is a weighting, and no backbone: advise chooses the weightings itself"):
        require_no_weighting(backbone, discover())


def test_backbones_and_unknown_names_are_no_weightings() -> None:
    for backbone in ("mmoe[experts=4]", "none-such"):
        require_no_weighting(backbone, discover())
    with pytest.raises(UsageError, match="backbone = 3: give a text, such as shared-bottom"):
        require_no_weighting(3, discover())


PLE = plugin("ple", "PLE")


def asked(folder: Path, backbone: PluginSpec, *records: Record) -> None:
    for number, record in enumerate(records):
        RecordStore(folder / "results").write(record.sealed(), f"record{number}")
    require_same(folder, "log.toml", "f" * 64, backbone, "constant")


def test_results_of_this_log_and_backbone_are_gone_on_with_also_where_trials_changed_the_backbone(
    tmp_path: Path,
) -> None:
    ours = PluginSpec("ple", PLE.params)
    require_same(tmp_path, "log.toml", "f" * 64, ours, "constant")
    tried = plugin("ple", "PLE", size=32)
    asked(tmp_path, ours, *runs("PLE", [0.7], backbone=PLE), *runs("CAGrad-PLE", [0.7], backbone=tried))


@pytest.mark.parametrize(
    ("backbones", "found"),
    [
        ([plugin("mmoe", "MMoE", experts=4)], "'mmoe[experts=4]'"),
        ([PLE, plugin("mmoe", "MMoE")], "'mmoe, ple'"),
        ([plugin("ple", "PLE", size=32)], "'ple[size=32]'"),
    ],
)
def test_results_of_another_backbone_are_refused_and_named(tmp_path: Path, backbones: list[Any], found: str) -> None:
    records = [one for backbone in backbones for one in runs("X", [0.7], backbone=backbone)]
    with pytest.raises(UsageError) as caught:
        asked(tmp_path, PluginSpec("ple", PLE.params), *records)
    assert str(caught.value) == (
        f"{tmp_path} has results of another backbone, {found}, or ple has changed since: name a new folder after --out"
    )
