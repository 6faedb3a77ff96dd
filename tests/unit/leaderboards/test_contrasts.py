"""Stars: which values differ from the baseline of their backbone, and where there are too few seeds for any."""

import numpy as np
import pytest
from record_factory import plugin, record, runs
from scipy import stats

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.tables.captions import footnotes

AUC = ("click", "auc")
LOSS = ("click", "logloss")


def levels(mean, seeds, noise=0.001, seed=0):
    return list(mean + np.random.default_rng(seed).normal(0, noise, seeds))


def board_of(records, baselines=()):
    (board,) = contrasted(boards(records), baselines)
    return board


def marks(board, column=AUC):
    return {row.method: row.values[column].marks for row in board.rows if column in row.values}


def test_six_seeds_carry_a_star_for_one_comparison_and_five_do_not():
    def study(seeds):
        return board_of([*runs("PLE", levels(0.70, seeds)), *runs("RMTL-PLE", levels(0.72, seeds, seed=1))])

    assert marks(study(6)) == {"PLE": "", "RMTL-PLE": "*"}
    assert marks(study(5)) == {"PLE": "", "RMTL-PLE": ""}
    (footnote,) = footnotes([study(6)])
    assert "over 6 paired seeds" in footnote
    (footnote,) = footnotes([study(5)])
    assert footnote == (
        "No stars against Constant from 5 paired seeds: the smallest p-value of the two-sided Wilcoxon signed-rank "
        "test is 0.0625; p < .05 takes 6 seeds."
    )


def test_more_comparisons_take_more_seeds():
    def study(seeds, rivals):
        rows = [one for i in range(rivals) for one in runs(f"{chr(65 + i)}-PLE", levels(0.72, seeds, seed=i))]
        return board_of([*runs("PLE", levels(0.70, seeds, seed=99)), *rows])

    assert set(marks(study(6, 2)).values()) == {""}
    (footnote,) = footnotes([study(6, 2)])
    assert "Holm-adjusted over 2 comparisons, is 0.0625; p < .05 takes 7 seeds" in footnote
    assert set(marks(study(10, 20)).values()) == {"", "*"}
    assert set(marks(study(9, 20)).values()) == {""}


def test_p_values_are_those_of_scipy_and_adjusted_over_the_methods_of_the_backbone():
    base, near, far = levels(0.7, 8), levels(0.7003, 8, seed=1), levels(0.71, 8, seed=2)
    board = board_of([*runs("PLE", base), *runs("Near-PLE", near), *runs("Far-PLE", far), *runs("ESMM", base)])
    found = {row.method: row.values[AUC].contrasts for row in board.rows}
    assert found["PLE"] == found["ESMM"] == ()
    p = {name: stats.wilcoxon(values, base, method="exact").pvalue for name, values in (("N", near), ("F", far))}
    (near_found,), (far_found,) = found["Near-PLE"], found["Far-PLE"]
    assert (near_found.p, far_found.p) == pytest.approx((p["N"], p["F"]))
    assert far_found.adjusted == pytest.approx(2 * p["F"])
    assert near_found.adjusted == pytest.approx(max(2 * p["F"], p["N"]))
    assert (far_found.comparisons, far_found.baseline) == (2, "PLE")
    assert far_found.difference.estimate.value == pytest.approx(np.mean(far) - np.mean(base))


def test_worse_has_a_mark_of_its_own_and_follows_the_direction_of_the_metric():
    def scored(offset):
        return [
            {
                "test": {
                    task: {"auc": 0.7 + offset + i / 1e4, "logloss": 0.5 + offset + i / 1e4}
                    for task in ("click", "pay")
                }
            }
            for i in range(6)
        ]

    rows = [
        record(method, seed=seed, metrics=metrics)
        for method, offset in (("PLE", 0.0), ("RMTL-PLE", 0.1))
        for seed, metrics in enumerate(scored(offset))
    ]
    board = board_of(rows)
    assert marks(board)["RMTL-PLE"] == "*"
    assert marks(board, LOSS)["RMTL-PLE"] == "°"
    (contrast,) = board.rows[-1].values[LOSS].contrasts
    assert contrast.verdict == "worse"


def test_a_method_is_compared_on_its_own_backbone_only():
    board = board_of(
        [*runs("PLE", levels(0.7, 6)), *runs("RMTL-ESMM", levels(0.8, 6)), *runs("RMTL-PLE", levels(0.8, 6, seed=1))]
    )
    assert marks(board) == {"PLE": "", "RMTL-ESMM": "", "RMTL-PLE": "*"}
    assert footnotes([board])[-1] == "No stars where the backbone has no baseline row: ESMM."


def test_the_same_scores_are_not_told_apart():
    same = levels(0.7, 10)
    board = board_of([*runs("PLE", same), *runs("RMTL-PLE", same)])
    (contrast,) = board.rows[-1].values[AUC].contrasts
    assert (contrast.p, contrast.verdict) == (1, "not told apart")


def test_a_row_that_lacks_a_seed_carries_no_star_and_is_not_counted():
    full = [*runs("PLE", levels(0.7, 6)), *runs("RMTL-PLE", levels(0.8, 6))]
    board = board_of([*full, *runs("Decay-PLE", levels(0.8, 5))])
    assert marks(board) == {"PLE": "", "Decay-PLE": "", "RMTL-PLE": "*"}
    assert [family.comparisons for family in board.families] == [1]


def test_a_baseline_that_lacks_a_seed_is_not_compared_with():
    board = board_of([*runs("PLE", levels(0.7, 5)), *runs("RMTL-PLE", levels(0.8, 6))])
    assert set(marks(board).values()) == {""}
    assert footnotes([board]) == ["Not compared with Constant, which lacks seeds there: PLE."]


def test_the_tuned_baseline_has_marks_of_its_own_and_is_compared_with_the_plain_one_once():
    tuned = plugin("scalarization", "Tuned")
    rows = [
        *runs("PLE", levels(0.7, 7)),
        *runs("Tuned-PLE", levels(0.71, 7, seed=1), weighting=tuned, tuned_baseline=True),
        *runs("RMTL-PLE", levels(0.69, 7, seed=2)),
    ]
    board = board_of(rows)
    assert marks(board) == {"PLE": "", "RMTL-PLE": "°‡", "Tuned-PLE": "*"}
    assert not any(row.values[AUC].best_baseline for row in board.rows if row.method == "Tuned-PLE")
    first, second = footnotes([board])
    assert first.startswith("* better and ° worse than Constant")
    assert second.startswith("† better and ‡ worse than Tuned")
    assert [(family.baseline, family.comparisons) for family in board.families] == [("Constant", 2), ("Tuned", 1)]


def test_a_named_baseline_takes_the_place_of_the_declared_one():
    rows = [
        *runs("PLE", levels(0.7, 7)),
        *runs("Decay-PLE", levels(0.72, 7, seed=1), weighting=plugin("decay", "Decay", rates=[0.9])),
        *runs("RMTL-PLE", levels(0.71, 7, seed=2)),
    ]
    board = board_of(rows, ["decay[rates=0.9]"])
    assert marks(board) == {"PLE": "°", "Decay-PLE [rates=0.9]": "", "RMTL-PLE": "°"}
    assert footnotes([board])[0].startswith("* better and ° worse than Decay [rates=0.9]")


def test_unknown_and_too_many_baselines_are_refused():
    found = boards([record("PLE"), record("RMTL-PLE")])
    with pytest.raises(UsageError, match="unknown baseline 'constnat': did you mean 'constant'"):
        contrasted(found, ["constnat"])
    with pytest.raises(UsageError, match="3 baselines were given"):
        contrasted(found, ["constant", "rmtl", "constant"])
