"""Mean rank, Delta_m, Pareto front, the order of rows, and the table across backbones."""

import numpy as np
import pytest
from record_factory import plugin, record, runs, scores
from scipy import stats

from mtlbench.errors import UsageError
from mtlbench.leaderboards import build
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.standing import FrontArea, front_area
from mtlbench.leaderboards.tables.across import TITLE
from mtlbench.leaderboards.tables.layout import check_sort, sorted_rows
from mtlbench.statistics import critical_difference, delta_m, friedman


def click_and_pay(click_auc, click_logloss, pay_auc, pay_logloss):
    return {
        "click": {"auc": click_auc, "logloss": click_logloss, "s_logloss": click_logloss},
        "pay": {"auc": pay_auc, "logloss": pay_logloss, "s_logloss": pay_logloss},
    }


def study(**rows):
    return [
        record(method.replace("_", "-"), metrics={"test": click_and_pay(*numbers)}, reference=method == "Single")
        for method, numbers in rows.items()
    ]


def only(records):
    (board,) = boards(records)
    return board


def test_rank_is_the_mean_over_the_columns_and_ties_share():
    board = only(study(A=(0.7, 0.5, 0.6, 0.1), B=(0.8, 0.4, 0.6, 0.2), C=(0.6, 0.6, 0.5, 0.3)))
    ranks = {row.method: row.rank for row in board.rows}
    # A: 2 2 2 | 1.5 1 1, B: 1 1 1 | 1.5 2 2, C: always last
    assert ranks == {"A": pytest.approx(9.5 / 6), "B": pytest.approx(8.5 / 6), "C": 3}


def test_incomplete_rows_are_shown_without_rank_and_do_not_move_others():
    complete = [*runs("A", [0.7, 0.7]), *runs("B", [0.6, 0.6])]
    board = only([*complete, record("C", 0.9), record("D", status="failed", reason="diverged")])
    found = {row.method: (row.rank, row.pareto) for row in board.rows}
    assert found["C"] == found["D"] == (None, False)
    alone = {row.method: (row.rank, row.pareto) for row in only(complete).rows}
    assert {method: found[method] for method in ("A", "B")} == alone


def test_delta_m_is_measured_seed_by_seed_against_one_network_per_task():
    base, other = [0.60, 0.62, 0.61], [0.63, 0.64, 0.65]
    board = only([*runs("Single", base, reference=True), *runs("RMTL-PLE", other)])
    row = {row.method: row for row in board.rows}["RMTL-PLE"]
    assert board.reference == "Single"
    # Only the two AUC of six columns differ, by the same ratio: a third of the relative change.
    change = 100 * (np.array(other) / base - 1) / 3
    assert row.delta_m.seeds == pytest.approx(tuple(change))
    expected = stats.ttest_1samp(change, 0).confidence_interval()
    assert (row.delta_m.interval.low, row.delta_m.interval.high) == pytest.approx(tuple(expected))
    assert board.rows[0].delta_m.mean == 0
    assert delta_m([0.63] * 2 + [0.5] * 4, [0.6] * 2 + [0.5] * 4, [False] * 2 + [True] * 4) == pytest.approx(change[0])


def test_without_a_complete_reference_there_is_no_delta_m():
    def table(*records):
        (found,) = build(records)
        return found.spend

    assert "Δm %" in [head.name for head in table(record("Single", reference=True)).heads]
    for records in (
        [record("PLE")],
        [record("Single", reference=True), *runs("PLE", [0.7, 0.7])],
        [record("Single", reference=True, backbone=plugin("single", "Single", size=s)) for s in (1, 2)],
    ):
        found = table(*records)
        assert "Δm %" not in [head.name for head in found.heads]
        assert ("No Δm: several rows" if len(records) == 2 else "No Δm: no row with every seed") in found.caption[0]


def test_of_several_references_the_unchanged_one_is_taken():
    changed = plugin("single", "Single", size=99)
    board = only([record("Single", 0.5, reference=True, backbone=changed), record("Single", 0.6, reference=True)])
    assert board.reference == "Single"


def test_the_front_is_of_the_tasks_auc_and_has_an_area():
    board = only(study(A=(0.70, 0.9, 0.60, 0.9), B=(0.60, 0.1, 0.70, 0.1), C=(0.60, 0.1, 0.60, 0.1)))
    assert {row.method for row in board.rows if row.pareto} == {"A", "B"}
    assert front_area(board.rows, board.primaries) == FrontArea(pytest.approx(0.2 * 0.1 + 0.1 * 0.1), 0.25, (0.5, 0.5))
    one_task = only([record("A", tasks=("click",))])
    assert not one_task.rows[0].pareto
    assert front_area(one_task.rows, one_task.primaries) is None


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("weighting", ["A", "B", "C", "Single", "X-A"]),
        ("name", ["A", "B", "C", "Single", "X-A"]),
        ("click.auc", ["B", "A", "X-A", "Single", "C"]),
        ("pay.logloss", ["X-A", "A", "B", "Single", "C"]),
        ("rank", ["A", "B", "X-A", "Single", "C"]),
        ("delta_m", ["A", "X-A", "B", "Single", "C"]),
    ],
)
def test_rows_are_sorted_the_best_first_and_gaps_and_the_optimum_last(sort, order):
    rows = study(
        A=(0.7, 0.5, 0.7, 0.2),
        B=(0.8, 0.6, 0.6, 0.3),
        X_A=(0.6, 0.9, 0.55, 0.05),
        Single=(0.5, 1.0, 0.5, 0.4),
    )
    optimum = {"test": click_and_pay(0.99, 0, 0.99, 0)}
    failed = record("C", status="failed", reason="diverged", optimum=optimum)
    board = only([*rows, failed])
    assert [row.method for row in sorted_rows(board, sort)] == [*order, "Bayes optimum"]


def test_an_unknown_sort_key_is_refused():
    found = boards([record("PLE")])
    with pytest.raises(UsageError, match=r"unknown sort key 'click.acu': did you mean 'click.auc'\?"):
        check_sort("click.acu", found)
    assert build([], sort="click.auc") == []


def across(records, **options):
    return next((table for table in build(records, **options) if table.title.startswith(TITLE)), None)


def blocks(levels, seeds=3):
    """``levels``: backbone -> weighting -> AUC."""
    rng = np.random.default_rng(0)
    return [
        one
        for backbone, row in levels.items()
        for weighting, level in row.items()
        for one in runs(f"{weighting}-{backbone}" if weighting else backbone, list(level + rng.normal(0, 1e-6, seeds)))
    ]


LEVELS = {
    "ESMM": {"": 0.70, "Decay": 0.71, "RMTL": 0.72},
    "MMoE": {"": 0.71, "Decay": 0.70, "RMTL": 0.73},
    "PLE": {"": 0.60, "Decay": 0.65, "RMTL": 0.64},
}


def other_datasets(levels, count):
    """The study on ``count`` datasets, generator seeds among them, of which only the first has all of its backbones."""
    return [on_log(one, i, seed=i) for i in range(count) for one in blocks(levels)]


def on_log(one, number, **params):
    data = {"fingerprint": str(number) * 64, "params": {**one.dataset.params, **params}}
    return one.model_copy(update={"dataset": one.dataset.model_copy(update=data)})


def test_mean_ranks_over_backbones_of_one_dataset_are_no_test():
    table = across(blocks(LEVELS))
    found = {line.labels[0].text: [cell.text for cell in line.cells] for line in table.lines}
    # AUC ranks: constant 3 2 3, Decay 2 3 1, RMTL 1 1 2; the losses are all alike
    assert found["Constant"] == ["2.67", "2.00", "2.00", "–"]
    assert found["Decay"] == ["2.00", "2.00", "2.00", "0.67"]
    assert found["RMTL"] == ["1.33", "2.00", "2.00", "1.00"]
    text = " ".join(table.caption)
    assert "the mean over 3 backbones of one dataset" in text
    assert "p =" not in text
    assert "critical difference" not in text
    assert [line.cells[0].bold for line in table.lines] == [False, False, True]


def test_the_blocks_of_friedmans_test_are_datasets_and_not_backbones():
    table = across(other_datasets(LEVELS, 4))
    found = {line.labels[0].text: line.cells[0].text for line in table.lines}
    # Of each dataset the mean over backbones: constant .670, Decay .687, RMTL .697.
    assert found == {"Constant": "3.00", "Decay": "2.00", "RMTL": "1.00"}
    text = " ".join(table.caption)
    assert "the mean over 4 datasets" in text
    assert f"AUC p = {friedman([[3, 2, 1]] * 4).p:.2g}" in text
    assert f"critical difference at .05: {critical_difference(3, 4):.2f}" in text
    one_backbone = across(other_datasets({"PLE": LEVELS["PLE"]}, 2))
    assert "the mean over 2 datasets" in one_backbone.caption[0]


def test_boards_of_one_log_that_differ_in_its_tasks_are_one_block_of_friedmans_test():
    levels = {"PLE": LEVELS["PLE"]}
    task_sets = [on_log(one, i, tasks=tasks) for i, tasks in enumerate(["paper", "all"]) for one in blocks(levels)]
    text = " ".join(across(task_sets).caption)
    assert "the mean over 2 pairs of a board and a backbone of one dataset" in text
    assert "p =" not in text
    another = [on_log(one, 2, seed=1) for one in blocks(levels)]
    text = " ".join(across([*task_sets, *another]).caption)
    assert "the mean over 2 datasets" in text
    assert f"AUC p = {friedman([[3, 1, 2]] * 2).p:.2g}" in text


def test_what_has_a_gap_is_left_out_and_named():
    gap = blocks({**LEVELS, "AITM": {"": 0.7}, "MMoE": {**LEVELS["MMoE"], "Rare": 0.9}})
    text = " ".join(across(gap).caption)
    assert "Left out: Rare; Synthetic: AITM." in text
    assert "over 3 backbones" in text


def test_nothing_is_said_to_beat_a_baseline_whose_metric_is_undefined():
    undefined = {"test": {**scores(0.7), "click": {"auc": None, "logloss": 0.1, "s_logloss": 0.1}}}
    gap = [
        one.model_copy(update={"metrics": record(metrics=undefined).metrics}) if one.baseline else one
        for one in blocks(LEVELS)
    ]
    table = across(gap)
    assert [line.labels[0].text for line in table.lines] == ["Decay", "RMTL"]
    assert {head.group for head in table.heads} == {"Rank"}
    assert "Left out: Constant." in " ".join(table.caption)


def test_other_conditions_are_never_ranked_together():
    records = [*blocks(LEVELS), *(r.model_copy(update={"preset": "paper"}) for r in blocks(LEVELS))]
    found = sorted(table.title for table in build(records) if table.title.startswith(TITLE))
    assert found == [f"{TITLE}, preset=paper", f"{TITLE}, preset=quick"]


def test_one_block_or_one_weighting_is_no_comparison():
    assert across(blocks({"PLE": LEVELS["PLE"]})) is None
    assert across(blocks({"PLE": {"": 0.7}, "ESMM": {"": 0.7}})) is None
