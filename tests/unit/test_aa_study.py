"""The tool of the A/A study: what it draws, the rule of earlier versions, rates of false marks and power."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_factory import record
from scipy import stats

from mtlbench.records import Influence, Record, encoded

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import aa

BACKBONES = ("PLE", "MMoE")


def cells(seed: int) -> list[Record]:
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 1e-4, 32)
    known = Influence(unit="session", sums={task: encoded(own - own.mean()) for task in ("click", "pay")})
    return [
        record(label, 0.7 + rng.normal(0, 0.001), seed=seed).model_copy(update={"influence": known})
        for label in BACKBONES
    ]


POOL = {seed: cells(seed) for seed in range(30)}


def test_a_page_has_the_pools_scores_under_other_names_and_one_seed_for_all_backbones():
    board = aa.page(POOL, 3, 5, np.random.default_rng(0))
    assert {row.method for row in board.rows} == {
        *BACKBONES,
        *(f"R{i}-{label}" for i in (1, 2, 3) for label in BACKBONES),
    }
    assert board.seeds == (0, 1, 2, 3, 4)
    assert len(board.tested) == 3 * 2 * 2
    by_score = {one.metrics["test"]["click"]["auc"]: seed for seed, pair in POOL.items() for one in pair}
    sources = {row.method: [by_score[score] for score in row.values["click", "auc"].seeds] for row in board.rows}
    for name in ("", "R1-", "R2-", "R3-"):
        assert sources[f"{name}PLE"] == sources[f"{name}MMoE"]
    assert all(len({sources[row.method][i] for row in board.rows}) == 4 for i in range(5))


def test_a_gain_is_that_of_the_first_rival_in_its_primary_metrics():
    plain, better = (aa.page(POOL, 3, 5, np.random.default_rng(0), gain) for gain in (0.0, 0.01))
    for row, other in zip(plain.rows, better.rows, strict=True):
        expected = 0.01 if row.method.startswith("R1-") else 0.0
        assert other.values["pay", "auc"].mean - row.values["pay", "auc"].mean == pytest.approx(expected)
        assert other.values["pay", "logloss"].mean == row.values["pay", "logloss"].mean


@given(st.lists(st.integers(-4, 4), min_size=3, max_size=8).filter(any))
def test_the_old_rule_is_the_exact_signed_rank_test(values):
    method = stats.PermutationMethod(n_resamples=10**6)
    expected = stats.wilcoxon(values, zero_method="pratt", method=method).pvalue
    assert aa.signed_rank(np.array([values], float))[0] == pytest.approx(expected)


def test_no_gain_has_few_stars_and_a_large_one_has_all():
    rates = aa.false_marks(POOL, 4, 6, 25)
    assert rates.pages == 25
    assert rates.both <= rates.seeds <= 6
    assert aa.power(POOL, 4, 6, 0.05, 3) == (1.0, 1.0)
    assert aa.power(POOL, 4, 6, -0.05, 3) == (1.0, 0.0)  # worse is no gain that was found
