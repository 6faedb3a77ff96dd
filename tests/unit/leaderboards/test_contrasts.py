"""Marks: which values differ from the baseline of their backbone, and where there are too few seeds for any."""

import numpy as np
import pytest
from record_factory import SIX_TASKS, mixed_scores, plugin, record, runs

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.tables.captions import notes
from mtlbench.leaderboards.tables.claims import claims
from mtlbench.leaderboards.tables.verdict import verdict
from mtlbench.statistics import max_t

AUC = ("click", "auc")
LOSS = ("click", "logloss")


def levels(mean, seeds, noise=0.001, seed=0):
    return list(mean + np.random.default_rng(seed).normal(0, noise, seeds))


def board_of(records, baselines=()):
    (board,) = contrasted(boards(records), baselines)
    return board


def marks(board, column=AUC):
    return {row.method: row.values[column].marks for row in board.rows if column in row.values}


def test_six_seeds_carry_a_star_and_five_do_not_and_the_page_says_how_many_would():
    def study(seeds):
        return board_of([*runs("PLE", levels(0.70, seeds)), *runs("RMTL-PLE", levels(0.72, seeds, seed=1))])

    assert marks(study(6)) == {"PLE": "", "RMTL-PLE": "*"}
    assert marks(study(5)) == {"PLE": "", "RMTL-PLE": ""}
    assert "by sign flips of 6 paired seeds" in claims([study(6)])[1]
    assert claims([study(5)])[1] == (
        "No marks from 5 paired seeds: the smallest p-value of sign flips is 0.0625; p < .05 takes 6 seeds."
    )


def test_more_comparisons_take_no_more_seeds():
    rows = [one for i in range(40) for one in runs(f"M{i}-PLE", levels(0.72, 6, seed=i))]
    board = board_of([*runs("PLE", levels(0.70, 6, seed=99)), *rows])
    assert [marks(board)[f"M{i}-PLE"] for i in range(40)] == ["*"] * 40
    assert {contrast.adjusted for contrast in board.tested} == {2 / 2**6}


def test_p_values_are_of_all_comparisons_of_the_board_together():
    base, near, far = levels(0.7, 8), levels(0.7003, 8, seed=1), levels(0.701, 8, seed=2)
    other, own = levels(0.6, 8, seed=3), levels(0.6005, 8, seed=4)
    board = board_of(
        [
            *runs("PLE", base),
            *runs("Near-PLE", near),
            *runs("Far-PLE", far),
            *runs("ESMM", other),
            *runs("Own-ESMM", own),
        ]
    )
    found = {row.method: row.values[AUC].contrasts for row in board.rows}
    assert found["PLE"] == found["ESMM"] == ()
    expected = max_t(np.array([np.subtract(near, base), np.subtract(far, base), np.subtract(own, other)]))
    methods = ("Near-PLE", "Far-PLE", "Own-ESMM")
    assert [found[method][0].p for method in methods] == pytest.approx(expected.p)
    assert [found[method][0].adjusted for method in methods] == pytest.approx(expected.adjusted)
    (far_found,) = found["Far-PLE"]
    assert far_found.baseline == "PLE"
    assert far_found.difference.estimate.value == pytest.approx(np.mean(far) - np.mean(base))


def test_what_is_likely_on_one_backbone_is_not_claimed_on_a_page_of_many():
    rng = np.random.default_rng(6)
    own = [*runs("PLE", [0.7] * 8), *runs("RMTL-PLE", [0.7 + x for x in rng.normal(0.001, 0.0012, 8)])]
    others = [
        one
        for i in range(12)
        for label in [f"B{i}"]
        for one in [*runs(label, [0.7] * 8), *runs(f"RMTL-{label}", [0.7 + x for x in rng.normal(0, 0.001, 8)])]
    ]
    assert marks(board_of(own))["RMTL-PLE"] == "*"
    assert marks(board_of([*own, *others]))["RMTL-PLE"] == ""


def scored(primary, offset):
    return [{"test": mixed_scores(offset + i / 1e4) | {"rating": {primary: offset + i / 1e4}}} for i in range(6)]


def test_worse_has_a_mark_of_its_own_and_follows_the_direction_of_the_metric():
    def rows(primary):
        return [
            record(
                method,
                seed=seed,
                tasks=tuple(SIX_TASKS),
                kinds=dict(SIX_TASKS),
                primary={"rating": primary, "watch_time": "xauc"},
                metrics=metrics,
            )
            for method, offset in (("PLE", 0.5), ("RMTL-PLE", 0.6))
            for seed, metrics in enumerate(scored(primary, offset))
        ]

    assert marks(board_of(rows("xauc")), ("rating", "xauc"))["RMTL-PLE"] == "*"
    board = board_of(rows("rmse"))
    assert marks(board, ("rating", "rmse"))["RMTL-PLE"] == "°"
    (contrast,) = board.rows[-1].values["rating", "rmse"].contrasts
    assert contrast.verdict == "worse"


def test_secondary_columns_have_a_difference_and_carry_no_marks():
    def metrics(offset, i):
        return {"test": {task: {"auc": 0.7 + i / 1e4, "logloss": 0.5 + offset + i / 1e4} for task in ("click", "pay")}}

    rows = [
        record(method, seed=seed, metrics=metrics(offset, seed))
        for method, offset in (("PLE", 0.0), ("RMTL-PLE", -0.1))
        for seed in range(8)
    ]
    board = board_of(rows)
    (contrast,) = board.rows[-1].values[LOSS].contrasts
    assert contrast.difference.estimate.value == pytest.approx(-0.1)
    assert (contrast.verdict, contrast.mark) == (None, "")
    assert len(board.tested) == 2  # AUC of two tasks


def test_a_method_is_compared_on_its_own_backbone_only():
    board = board_of(
        [*runs("PLE", levels(0.7, 6)), *runs("RMTL-ESMM", levels(0.8, 6)), *runs("RMTL-PLE", levels(0.8, 6, seed=1))]
    )
    assert marks(board) == {"PLE": "", "RMTL-ESMM": "", "RMTL-PLE": "*"}
    assert claims([board])[-1] == "No marks where the backbone has no baseline row: ESMM."


def test_the_same_scores_are_not_told_apart():
    same = levels(0.7, 10)
    board = board_of([*runs("PLE", same), *runs("RMTL-PLE", same)])
    (contrast,) = board.rows[-1].values[AUC].contrasts
    assert (contrast.p, contrast.adjusted, contrast.verdict) == (1, 1, "not told apart")


def test_a_row_that_lacks_a_seed_carries_no_star_and_is_not_counted():
    full = [*runs("PLE", levels(0.7, 6)), *runs("RMTL-PLE", levels(0.8, 6))]
    board = board_of([*full, *runs("Decay-PLE", levels(0.8, 5))])
    assert marks(board) == {"PLE": "", "Decay-PLE": "", "RMTL-PLE": "*"}
    assert len(board.tested) == 2  # two tasks


def test_a_baseline_that_lacks_a_seed_is_not_compared_with():
    board = board_of([*runs("PLE", levels(0.7, 5)), *runs("RMTL-PLE", levels(0.8, 6))])
    assert set(marks(board).values()) == {""}
    assert claims([board]) == ["Not compared with Constant, which lacks seeds there: PLE."]


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
    _, text = claims([board])
    assert text.startswith("* better and ° worse than Constant. † better and ‡ worse than Tuned. Marks are claims over")
    assert "over all 6 comparisons together" in text  # two with Constant, one with Tuned, of two tasks
    assert len({contrast.adjusted for contrast in board.tested}) == 1


def tuned_rows(label, mean, trials=12, space="a", seed=0):
    """A method that was tuned in the ``space`` that all weightings share, and in a space of its own."""
    own = plugin(label.lower() or "constant", label or "Constant", trials=trials)
    own = own.model_copy(update={"params": {**own.params, "space": f"{space}-{label}"}})
    method = f"{label}-PLE" if label else "PLE"
    plain = {"baseline": False, "tuned_baseline": not label}
    return runs(method, levels(mean, 7, seed=seed), weighting=own, **plain)


def own_baselines(board):
    return {row.method: [one.baseline for one in row.values[AUC].contrasts] for row in board.rows}


def test_every_tuned_row_is_compared_with_the_constant_weights_that_were_tuned_over_as_many_trials():
    board = board_of(
        [
            *runs("PLE", levels(0.7, 7)),
            *tuned_rows("", 0.71, 12, seed=1),
            *tuned_rows("", 0.73, 20, seed=2),
            *tuned_rows("RMTL", 0.72, 12, seed=3),
            *tuned_rows("RMTL", 0.72, 20, seed=4),
        ]
    )
    assert own_baselines(board) == {
        "PLE": [],
        "PLE [trials=12]": ["PLE"],
        "PLE [trials=20]": ["PLE"],
        "RMTL-PLE [trials=12]": ["PLE [trials=12]"],
        "RMTL-PLE [trials=20]": ["PLE [trials=20]"],
    }
    assert marks(board)["RMTL-PLE [trials=12]"] == "†"
    assert marks(board)["RMTL-PLE [trials=20]"] == "‡"
    differences, text = claims([board])
    said = (
        ", of tuned rows to that of Constant [trials=12] and Constant [trials=20] which was tuned alike "
        "(of these themselves to that row),"
    )
    assert said in differences
    assert "† better and ‡ worse than Constant [trials=12] or Constant [trials=20], whichever was tuned alike." in text
    assert "over all 8 comparisons together" in text
    assert "RMTL-PLE [trials=12] beats Constant [trials=12] or Constant [trials=20], whichever" in verdict(board)


def test_a_tuned_row_is_compared_with_constant_weights_of_the_same_space():
    board = board_of(
        [
            *tuned_rows("", 0.71, space="a", seed=1),
            *tuned_rows("", 0.73, space="b", seed=2),
            *tuned_rows("RMTL", 0.72, space="b", seed=3),
        ]
    )
    assert own_baselines(board)["RMTL-PLE [trials=12]"] == ["PLE [trials=12] (constant.space=b-)"]


def test_where_some_rows_are_tuned_the_verdict_says_of_which_methods_it_speaks():
    base, rmtl = runs("PLE", levels(0.7, 7)), runs("RMTL-PLE", levels(0.7, 7, seed=1))
    tuned = [*tuned_rows("", 0.7, seed=2), *tuned_rows("RMTL", 0.75, seed=3)]
    better = ". RMTL-PLE [trials=12] beats Constant [trials=12] in click"
    said = "No method at its defaults is told apart from Constant"
    assert verdict(board_of([*base, *rmtl, *tuned])).startswith(said + better)
    said = "Constant [trials=12] is not told apart from Constant"
    assert verdict(board_of([*base, *tuned])).startswith(said + better)
    tuned = [*tuned_rows("", 0.71, seed=2), *tuned_rows("RMTL", 0.71, seed=3)]
    assert "No tuned method is told apart from Constant [trials=12]." in verdict(board_of([*base, *rmtl, *tuned]))


def test_a_tuned_row_whose_seeds_share_searches_says_that_its_marks_come_too_easily():
    def board_with(searches):
        rows = tuned_rows("RMTL", 0.72)
        params = {**rows[0].weighting.params, "searches": searches}
        use = rows[0].weighting.model_copy(update={"params": params})
        return board_of([*tuned_rows("", 0.71), *(row.model_copy(update={"weighting": use}) for row in rows)])

    told = {searches: " ".join(notes(board_with(searches).rows[-1]).split()) for searches in (1, 2, 7)}
    assert "Its 7 seeds share the settings of 2 searches, so its interval is too narrow" in told[2]
    assert not any("share the settings" in told[searches] for searches in (1, 7))


def test_a_tuned_row_without_constant_weights_that_were_tuned_alike_says_so():
    board = board_of([*runs("PLE", levels(0.7, 7)), *tuned_rows("", 0.71, 12), *tuned_rows("RMTL", 0.72, 20)])
    notes_of = {row.method: notes(row) for row in board.rows}
    assert own_baselines(board)["RMTL-PLE [trials=20]"] == []
    assert notes_of["RMTL-PLE [trials=20]"] == (
        "Not compared: on its backbone no baseline was tuned alike, over as many trials and searches of the same space."
    )
    assert notes_of["PLE [trials=12]"] == ""
    untuned = board_of([*runs("PLE", levels(0.7, 7)), *tuned_rows("RMTL", 0.72)])
    assert not any("no baseline row" in text for text in claims([untuned]))
    named = board_of([*runs("PLE", levels(0.7, 7)), *tuned_rows("RMTL", 0.72, 20)], ["constant"])
    assert own_baselines(named)["RMTL-PLE [trials=20]"] == ["PLE"]


def test_a_weighting_with_trials_of_its_own_is_not_taken_for_a_tuned_one():
    own = plugin("search", "Search", trials=3)
    board = board_of([*runs("PLE", levels(0.7, 7)), *runs("Search-PLE", levels(0.72, 7, seed=1), weighting=own)])
    assert own_baselines(board)["Search-PLE [trials=3]"] == ["PLE"]


def test_a_named_baseline_takes_the_place_of_the_declared_one():
    rows = [
        *runs("PLE", levels(0.7, 7)),
        *runs("Decay-PLE", levels(0.72, 7, seed=1), weighting=plugin("decay", "Decay", rates=[0.9])),
        *runs("RMTL-PLE", levels(0.71, 7, seed=2)),
    ]
    board = board_of(rows, ["decay[rates=0.9]"])
    assert marks(board) == {"PLE": "°", "Decay-PLE [rates=0.9]": "", "RMTL-PLE": "°"}
    assert claims([board])[0].startswith("vs Decay [rates=0.9]: the mean difference")
    assert claims([board])[1].startswith("* better and ° worse than Decay [rates=0.9].")


def test_unknown_and_too_many_baselines_are_refused():
    found = boards([record("PLE"), record("RMTL-PLE")])
    with pytest.raises(UsageError, match="unknown baseline 'constnat': did you mean 'constant'"):
        contrasted(found, ["constnat"])
    with pytest.raises(UsageError, match="3 baselines were given"):
        contrasted(found, ["constant", "rmtl", "constant"])
