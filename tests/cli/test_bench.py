"""``mtlbench bench``."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtlbench.benchmarking import Measurement

FAST = ["--preset", "quick", "--batch-size", "64", "--steps", "3"]


@pytest.mark.slow
def test_rows_as_json_and_pairs_left_out(mtlbench: Any) -> None:
    study = ["--backbone", "single-task", "--weighting", "constant,mgda,rmtl", "--jobs", "2"]
    result = mtlbench("bench", *study, "--json", *FAST)
    assert result.code == 0, result.err
    (row,) = json.loads(result.out)
    assert {"backbone", "weighting", "rows_per_second", "ratio", "fraction_of_limit"} <= row.keys()
    assert (row["backbone"], row["weighting"]) == ("single-task", "constant")
    assert row["rows_per_second"] > 0
    assert row["ratio"] == pytest.approx(row["rows_per_second"] / row["reference_rows_per_second"], rel=1e-6)
    flop = 1e6 * row["megaflop_per_row"] * row["rows_per_second"]
    assert row["fraction_of_limit"] == pytest.approx(flop / row["limit_gigaflops"] / 1e9, rel=1e-6)
    # Two networks: 7 * 16 + 16 inputs, 64-32, a tower of 16 and a logit; products forwards and twice backwards.
    weights = 8 * 16 * 64 + 64 * 32 + 32 * 16 + 16
    assert row["megaflop_per_row"] == pytest.approx(2 * (6 * weights + 2 * 2 * 16) / 1e6)
    assert "left out single-task mgda: MGDA weighs the gradients of shared parameters" in result.err
    assert "left out single-task rmtl: RMTL continues from a trained cell of constant" in result.err


@pytest.mark.slow
def test_a_row_beside_another_library(mtlbench: Any) -> None:
    pytest.importorskip("torchjd", reason="torchjd is not installed: pip install 'mtlbench[oracle]'")
    study = ["--backbone", "mmoe", "--weighting", "pcgrad", "--tasks", "3", "--processor-time"]
    result = mtlbench("bench", *study, "--json", *FAST)
    assert result.code == 0, result.err
    plain, library, *_ = json.loads(result.out)
    assert (plain["reference"], library["reference"].partition(" ")[0]) == ("public style", "torchjd")
    assert library["rows_per_second"] == plain["rows_per_second"]
    assert library["reference_rows_per_second"] > 0


@pytest.mark.parametrize(
    ("jobs", "said"), [(1, "1 thread; float32"), (2, "2 processes of 1 thread, reference 2 threads; float32")]
)
def test_the_table(mtlbench: Any, monkeypatch: pytest.MonkeyPatch, jobs: int, said: str) -> None:
    measured = Measurement(
        backbone="shared-bottom[bottom=8]",
        weighting="pcgrad",
        rows_per_second=98_765.4,
        ratio=8.0,
        fraction_of_limit=0.123,
        reference_rows_per_second=12_345.6,
        limit_gigaflops=45.6,
        megaflop_per_row=1.5,
        peak_memory_mib=321.0,
        reference_peak_memory_mib=654.0,
        reference="torchjd 0.18.0",
    )
    monkeypatch.setattr("mtlbench.benchmarking.measure", lambda *arguments, **settings: [measured])
    result = mtlbench("bench", "--jobs", jobs, *FAST)
    assert result.code == 0, result.err
    assert "shared-bottom[bottom=8]" in result.out
    assert "pcgrad" in result.out
    assert "   torchjd   " in result.out
    assert "8.00 times torchjd 0.18.0" in result.err
    assert f"{said} products: 46 GFLOP/s" in result.out
    assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backbone", "mmeo"], "unknown backbone 'mmeo': did you mean 'mmoe'?"),
        (["--weighting", "rmtl"], "there is nothing to measure: RMTL continues from a trained cell of constant"),
        (["--precision", "float16"], "precision = float16 is invalid"),
        (["--batch-size", "0"], "batch_size = 0 is out of range"),
        (["--steps", "0"], "--steps"),
        (["--device", "gpu"], "device = gpu is invalid"),
        (["--processor-time", "--jobs", "2"], "processor time compares trainings on a CPU, of one thread and one job"),
    ],
)
def test_wrong_use_exits_2(mtlbench: Any, arguments: list[str], message: str) -> None:
    result = mtlbench("bench", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


FAULTY = """
import torch
from torch import nn
from mtlbench import api


class Faulty(api.Backbone):
    name, label = "faulty", "Faulty"

    def __init__(self, schema: api.Schema, params: api.NoParams) -> None:
        super().__init__()
        self.layer = nn.Linear(1, len(schema.tasks))

    def forward(self, inputs: api.Inputs) -> torch.Tensor:
        raise ValueError("seven fields\\nare too many")
"""


def test_a_backbone_that_fails_is_left_out_with_its_reason(mtlbench: Any, tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    result = mtlbench("bench", "--backbone", "faulty", "--plugin", tmp_path / "faulty.py", *FAST)
    assert (result.code, result.out) == (2, "")
    assert "left out faulty constant: ValueError: seven fields are too many" in result.err


def test_a_step_is_timed_on_one_device(mtlbench: Any) -> None:
    result = mtlbench("bench", "--device", "cuda:all", *FAST)
    assert (result.code, result.out) == (2, "")
    assert "device cuda:all spreads the cells of a study, and bench times one device; give cuda" in result.err
