"""Sample weights of a log: what is refused, what is encoded, and what counts in the identity and the facts."""

from typing import Any

import numpy as np
import pytest
import torch
from logs import small_log

from mtlbench.api import DataError, Log, Splits
from mtlbench.data.building import build
from mtlbench.data.store import read, scratch, write


def weighted_log(weights: Any, **changes: Any) -> Log:
    """A small log with ``weights`` in the order of time."""
    log = small_log(**{"weight": "w", **changes})
    log.frame["w"] = np.asarray(weights)[log.frame["row"]]
    log.frame["time"] = log.frame["row"] * 1000  # no two rows at one time
    return log


def built(log: Log) -> Splits:
    return build(log, "mine", "identity")


def test_weights_are_encoded_in_the_order_of_the_splits() -> None:
    weights = np.arange(60) % 7 + 0.5
    found = built(weighted_log(weights))
    parts = [split.weight for split in found.parts().values()]
    assert torch.cat([part for part in parts if part is not None]).tolist() == weights.tolist()
    assert [None if part is None else part.dtype for part in parts] == [torch.float32] * 3


def test_a_row_of_weight_0_has_no_labels_and_counts_nowhere_in_the_facts() -> None:
    weights = np.where(np.arange(60) % 5 == 0, 0.0, 2.0)
    found = built(weighted_log(weights))
    assert found.train.labels.isnan().all(1).tolist() == (weights[:36] == 0).tolist()
    assert not any(name.startswith("observed") for name in found.facts)
    assert not any("labels are missing" in text for text in found.warnings)
    assert found.facts["rows.train"] == 36
    assert found.facts["effective_rows.train"] == pytest.approx(28)


def test_base_rates_are_those_of_the_rows_as_they_are_weighted() -> None:
    weights = np.random.default_rng(0).uniform(0.1, 3, 60)
    found = built(weighted_log(weights))
    click = (np.arange(60) % 4 < 2)[:36]
    assert found.facts["rate.train.click"] == pytest.approx(np.average(click, weights=weights[:36]), rel=1e-6)
    assert found.facts["weight"] == "column 'w'"


def test_weights_are_in_the_fingerprint_and_a_log_without_them_keeps_its_own() -> None:
    plain, weighted = built(small_log()), built(weighted_log(np.ones(60)))
    assert plain.fingerprint == "identity"
    assert plain.train.weight is None
    assert not any("weight" in name or "effective" in name for name in plain.facts)
    assert weighted.fingerprint != plain.fingerprint


def test_weights_come_back_from_the_cache(tmp_path: Any) -> None:
    splits = built(weighted_log(np.linspace(0, 2, 60)))
    with scratch(tmp_path) as folder:
        write(tmp_path / "entry", splits, "key", folder)
    found = read(tmp_path / "entry", "key")
    assert found is not None
    assert found.test.weight is not None
    assert splits.test.weight is not None
    assert found.test.weight.equal(splits.test.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({7: -0.5}, r"column 'w' of weights holds -0.5 in row \d+ .*finite number of 0 or more"),
        ({7: np.nan}, "column 'w' of weights holds nan"),
        ({7: np.inf}, "column 'w' of weights holds inf"),
        ({7: 1e-30}, "column 'w' of weights holds 1e-30 .*only the ratio of weights matters"),
        ({7: 1e30}, "column 'w' of weights holds 1e.30 .*only the ratio of weights matters"),
        (
            dict.fromkeys(range(36, 48), 0.0),
            "0 in all 12 rows of the validation split.*give one of them a weight above",
        ),
    ],
)
def test_weights_that_make_no_sense_are_refused(change: dict[int, float], message: str) -> None:
    weights = np.ones(60)
    for row, value in change.items():
        weights[row] = value
    with pytest.raises(DataError, match=message):
        built(weighted_log(weights))


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (
            lambda: small_log(weight="price"),
            "column 'price' gives the weights, and is an input or a label: take it out",
        ),
        (lambda: small_log(weight="buy"), "column 'buy' gives the weights, and is an input or a label: take it out"),
        (lambda: small_log(weight="w"), "column 'w': the log has no such column"),
        (lambda: weighted_log(np.array(["a"] * 60)), "column 'w' of weights is not numeric"),
    ],
)
def test_a_column_that_cannot_be_the_weight_is_refused(log: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        built(log())
