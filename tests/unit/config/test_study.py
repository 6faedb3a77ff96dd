"""Studies from flags and files, and the plans they become."""

import os
from pathlib import Path

import pytest
from plugin_sources import weighting, write

from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError


def test_defaults() -> None:
    study = Study.load()
    assert (study.datasets, study.backbones, study.weightings) == (("synthetic",), ("all",), ("rmtl",))
    assert (study.seeds, study.preset, study.overwrite, study.layout) == (3, "quick", "never", "methods")
    assert study.jobs == len(os.sched_getaffinity(0))


def test_flags_win_over_the_file_and_paths_in_it_are_relative_to_it(tmp_path: Path) -> None:
    text = """
    weightings = "rmtl,constant"
    seeds = [4, 2]
    epochs = 7
    data_dir = "data"
    out = "/absolute/out"
    """
    study = Study.load(write(tmp_path, "study.toml", text), {"epochs": 3, "data_dir": Path("here")})
    assert study.weightings == ("rmtl,constant",)
    assert study.seeds == (4, 2)
    assert study.epochs == 3
    assert study.data_dir == Path("here")
    assert study.out == Path("/absolute/out")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seeds = 0", "seeds = 0 is out of range: must be greater than or equal to 1"),
        ("seeds = []", "seeds"),
        ("seeds = [1, 1]", "must not repeat a seed"),
        ("seeds = [-1]", "seeds"),
        ("epochs = 0", "epochs = 0 is out of range"),
        ("learning_rate = nan", "learning_rate = nan is out of range"),
        ("learning_rate = -1.0", "learning_rate = -1.0 is out of range: must be greater than 0"),
        ("preset = 'quik'", "preset = quik is invalid: must be 'quick', 'compact' or 'paper'"),
        ("overwrite = 'yes'", "overwrite = yes is invalid: must be 'never', 'failed' or 'always'"),
        ("backbone = 'ple'", r"'backbone' is unknown: did you mean 'backbones'\?"),
        ("batch-size = 4", r"'batch-size' is unknown: did you mean 'batch_size'\?"),
        ("datasets = []", "datasets"),
        ("device = 'gpu'", "device = gpu is invalid: must be cpu, cuda, cuda:N, such as cuda:0, or cuda:all"),
        ("jobs = 0", "jobs = 0 is out of range"),
        ("jobs = ", "is no TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as error:
        Study.load(write(tmp_path, "study.toml", text))
    assert "study.toml" in str(error.value)
    assert "\n" not in str(error.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(("device", "there"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2), ("cuda:all", 0)])
def test_a_device_that_is_not_there_is_refused(device: str, there: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    with pytest.raises(
        UsageError, match=f"device '{device}': torch .* finds {there or 'no'} CUDA device.*--device cpu"
    ):
        Study.load(flags={"device": device}).resolve(discover())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml: No such file"):
        Study.load(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("preset", "epochs", "batch_size", "embedding"),
    [("quick", 40, 1024, 16), ("compact", 10, 512, 32), ("paper", 10, 2048, 128)],
)
def test_a_preset_decides_what_is_not_set(preset: str, epochs: int, batch_size: int, embedding: int) -> None:
    flags = {"preset": preset, "backbones": "shared-bottom", "patience": 3, "seeds": 2}
    plan = Study.load(flags=flags).resolve(discover())
    assert (plan.training.epochs, plan.training.patience, plan.training.batch_size) == (epochs, 3, batch_size)
    assert plan.training.weight_decay == 0
    assert plan.grids[0][0][0].spec.params["embedding"] == embedding
    assert plan.seeds == (0, 1)
    assert plan.settings.preset == preset


def test_a_plan_keeps_explicit_seeds_and_plugin_files(tmp_path: Path) -> None:
    file = write(tmp_path, "mine.py", weighting("mine"))
    study = Study.load(flags={"seeds": [7, 3], "plugins": [file], "weightings": ["mine"]})
    plan = study.resolve(discover(study.files()))
    assert plan.seeds == (7, 3)
    assert plan.settings.plugin_files == (file,)
    assert [weighting.entry.name for weighting in plan.grids[0][1]] == ["mine"]


ALSO = """
backbones = "all"
weightings = "constant"

[[also]]
backbones = ["ple", "esmm"]
weightings = "rmtl,ddpg"
"""


def test_a_study_file_may_name_further_pairs_which_flags_of_pairs_leave_out(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_text(ALSO)

    def sizes(**flags: object) -> list[tuple[int, int]]:
        return [(len(a), len(b)) for a, b in Study.load(file, flags).resolve(discover(())).grids]

    everything = len(discover(()).backbones)
    assert sizes() == [(everything, 1), (2, 2)]
    assert sizes(seeds=2) == [(everything, 1), (2, 2)]
    assert sizes(weightings=["rmtl"]) == [(everything, 1)]


def test_a_wrong_key_in_a_further_grid_is_named(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_text(ALSO.replace('weightings = "rmtl,ddpg"', 'weighting = "rmtl"'))
    with pytest.raises(UsageError, match="also"):
        Study.load(file)
