"""What a run says at its end of cells that trained as long as they might."""

from pathlib import Path
from typing import Any

import pytest

from mtlbench.records.store import Summary

STUDY = ("--dataset", "synthetic[rows=2000]", "--backbone", "mmoe", "--weighting", "constant", "--jobs", "1", "--quiet")


def test_a_short_run_says_so_at_its_end(mtlbench: Any, tmp_path: Path) -> None:
    done = mtlbench("run", *STUDY, "--seeds", "2", "--epochs", "1", "--out", tmp_path)
    assert done.code == 0
    said = " ".join(done.out.split())
    assert said.endswith(
        "Every method was cut off at the limit of 1 epoch: differences are of speed, not of the result."
    )


@pytest.mark.parametrize(
    ("kept", "budget", "cut_off"),
    [
        ({"train": 3}, "early-stopping", True),
        ({"train": 2}, "early-stopping", False),
        ({"train": 3}, "steps", False),
        ({"train": 3, "continue": 0}, "early-stopping", True),
        ({"continue": 0}, "early-stopping", False),
    ],
)
def test_a_cell_is_cut_off_where_its_last_epoch_is_the_best(kept: dict[str, int], budget: str, cut_off: bool) -> None:
    training: Any = {"epochs": 3, "budget": budget}
    assert (
        Summary.model_construct(cell="a", method="b", status="done", training=training, best_epoch=kept).cut_off
        == cut_off
    )
