"""Columns that say in which split each row is and how much it counts, and numbers that bins may suit better."""

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import skew

from mtlbench.api.splitting import PARTS

SPLIT = r"^(data_?)?(split|fold|part|set|subset|partition)$"
WEIGHT = r"(^|_)(sample|row|instance|example|importance|sampling|ips|ipw|propensity)_?(weights?|wt)$|^(ips|ipw)$"
SKEWED = 5.0
"""Skewness of a column of numbers from which most of its values lie close together beside a few that are far off."""
BINS = 20
"""How many bins a draft proposes."""
FEWEST_VALUES = 50
"""Distinct numbers below which there is little to cut."""


def is_split(name: str, column: "pd.Series[Any]") -> bool:
    """Whether a column named as one of splits holds ``train``, ``validation`` and ``test``, and nothing else."""
    if re.search(SPLIT, name.lower()) is None or column.isna().any():
        return False
    return set(map(str, column.unique())) == set(PARTS)


def is_weight(name: str, column: "pd.Series[Any]") -> bool:
    """Whether a column named as one of sample weights holds numbers of 0 or more in every row, and several of them."""
    if re.search(WEIGHT, name.lower()) is None or not pd.api.types.is_numeric_dtype(column) or column.isna().any():
        return False
    return bool(np.isfinite(column.to_numpy(np.float64)).all() and column.min() >= 0 and column.nunique() > 1)


def is_skewed(column: "pd.Series[Any]") -> bool:
    """Whether bins may suit a column of numbers better than a mean and a deviation do."""
    numbers = column.dropna().to_numpy(np.float64)
    return len(np.unique(numbers)) >= FEWEST_VALUES and abs(float(skew(numbers))) >= SKEWED
