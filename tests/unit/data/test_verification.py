"""Base rates of all rows, as they are compared with what is published."""

import numpy as np
import pytest
from logs import small_log

from mtlbench.data.building import build
from mtlbench.data.verification import checks
from mtlbench_plugins.datasets.synthetic import Synthetic


def rate(**changes: object) -> float:
    """The base rate of ``click``."""
    log = small_log(**changes)
    clicks = log.frame["click"].to_numpy(float)
    log.frame["click"] = np.where(np.arange(len(clicks)) % 4 == 0, np.nan, clicks)
    log.frame["w"] = np.arange(len(clicks)) % 3
    splits = build(log, "my-log", "key")
    found = {check.fact: check.here for check in checks(Synthetic(Synthetic.Params()), splits)}
    return float(found["rate.click"] or 0)


def test_labels_that_were_not_observed_are_not_in_a_base_rate() -> None:
    clicks = small_log().frame["click"].to_numpy(float)
    seen = np.arange(len(clicks)) % 4 > 0
    assert rate() == pytest.approx(clicks[seen].mean())


def test_base_rates_are_by_weight() -> None:
    clicks = small_log().frame["click"].to_numpy(float)
    weight = np.arange(len(clicks)) % 3 * (np.arange(len(clicks)) % 4 > 0)
    assert rate(weight="w") == pytest.approx(np.average(clicks, weights=weight))
