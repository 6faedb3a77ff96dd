"""What a tracker is told of two cells, made of records without any training."""

import pytest
from record_factory import plugin, record

from mtlbench.records import Record
from mtlbench.records.schema import Epoch


def weights(mean: float) -> dict[str, float]:
    return {"mean": mean, "min": 0.0, "q05": 0.0, "q50": mean, "q95": 2.0, "max": 2.0}


def epoch(number: int, click: float, pay: float | None, **changes: object) -> Epoch:
    content = {
        "stage": "train",
        "epoch": number,
        "train_loss": {"click": 1 - click, "pay": 0.2},
        "validation": {"click": click, "pay": pay},
        "weights": {"click": weights(number / 10), "pay": weights(1.0)},
    }
    return Epoch.model_validate({**content, **changes})


@pytest.fixture
def done() -> Record:
    made = record(
        "RMTL-MMoE", 0.7, weighting=plugin("rmtl", "RMTL", **{"lambda": 0.5}), backbone=plugin("mmoe", "MMoE")
    )
    return made.model_copy(
        update={
            "curve": [
                epoch(1, 0.6, 0.5),
                epoch(2, 0.65, None, passes=1.5),
                epoch(1, 0.7, 0.55, stage="continue", weights=None),
            ],
            "series": {"critic loss": [0.9, None, 0.5, 0.4]},
            "diagnostics": {"converged": 1.0, "q mean": [0.1, None], "angles": [1.0, 2.0, 3.0]},
        }
    )


@pytest.fixture
def failed() -> Record:
    return record("RMTL-MMoE", status="failed", reason="training diverged: | a\n| b", seed=1)
