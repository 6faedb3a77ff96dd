"""Columns that say how rows are used: in which split each is; and numbers that bins may suit better."""

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import skew

from mtlbench.api.splitting import PARTS

SPLIT = r"^(data_?)?(split|fold|part|set|subset|partition)$"
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


def is_skewed(column: "pd.Series[Any]") -> bool:
    """Whether bins may suit a column of numbers better than a mean and a deviation do."""
    numbers = column.dropna().to_numpy(np.float64)
    return len(np.unique(numbers)) >= FEWEST_VALUES and abs(float(skew(numbers))) >= SKEWED
