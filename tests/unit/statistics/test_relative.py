"""Delta_m against a hand-worked case, over seeds, and its refusal of unequal lengths."""

import numpy as np
import pandas as pd
import pytest

from mtlbench.statistics import delta_m


def test_signs_follow_the_direction_of_each_metric():
    # AUC +10 %, logloss 20 % lower: (10 + 20) / 2
    assert delta_m([0.66, 0.4], [0.6, 0.5], [False, True]) == pytest.approx(15)
    assert delta_m([0.66, 0.4], [0.6, 0.5], [False, False]) == pytest.approx(-5)


def test_leading_axes_are_kept():
    seeds = pd.DataFrame({"auc": [0.66, 0.6], "logloss": [0.4, 0.5]})
    np.testing.assert_allclose(delta_m(seeds, [0.6, 0.5], [False, True]), [15, 0])


def test_unequal_numbers_of_metrics_are_refused():
    with pytest.raises(ValueError, match="compares K metrics"):
        delta_m([0.7, 0.5], [0.7], [False, True])
