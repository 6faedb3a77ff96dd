"""What may be compared, averaged and ranked."""

import random

import pytest
from record_factory import TASKS, plugin, record, scores

from mtlbench.leaderboards.boards.grouping import boards

AUC = ("click", "auc")
LOSS = ("click", "logloss")


def only(records):
    (board,) = boards(records)
    return {row.method: row for row in board.rows}


def test_mean_deviation_and_half_the_interval_over_seeds():
    rows = only([record(auc=auc, seed=seed) for seed, auc in enumerate([0.70, 0.71, 0.72])])
    value = rows["Shared Bottom"].values[AUC]
    assert value.sd == pytest.approx(0.01)
    assert value.seeds == (0.70, 0.71, 0.72)
    assert (value.text, value.spread) == (
        "0.7100",
        "(248)",
    )  # t = 4.303 for 2 degrees of freedom: 4.303 * 0.01 / sqrt(3)


def test_one_seed_has_no_interval():
    value = only([record(auc=0.70)])["Shared Bottom"].values[AUC]
    assert (value.text, value.spread) == ("0.7000", "")


def test_best_and_best_baseline_follow_the_direction_of_the_metric():
    low, high = {"test": scores(0.6, 0.3)}, {"test": scores(0.8, 0.5)}
    rows = only(
        [
            record("ESMM", metrics=low),
            record("PLE", metrics=high),
            record("RMTL-PLE", metrics={"test": scores(0.9, 0.4)}),
        ]
    )
    assert [name for name, row in rows.items() if row.values[AUC].best] == ["RMTL-PLE"]
    assert [name for name, row in rows.items() if row.values[LOSS].best] == ["ESMM"]
    assert [name for name, row in rows.items() if row.values[AUC].best_baseline] == ["PLE"]
    assert [name for name, row in rows.items() if row.values[LOSS].best_baseline] == ["ESMM"]


def test_what_prints_alike_ranks_alike():
    rows = only([record("ESMM", 0.70001), record("PLE", 0.70002), record("AITM", 0.6)])
    assert {name for name, row in rows.items() if row.values[AUC].best} == {"ESMM", "PLE"}


def test_a_row_that_lacks_a_seed_is_never_ranked():
    rows = only([record("ESMM", 0.6, seed=0), record("ESMM", 0.6, seed=1), record("PLE", 0.9, seed=0)])
    assert rows["PLE"].state == "partial"
    assert rows["PLE"].gap == "1 of 2 seeds"
    assert rows["PLE"].reasons == ("seed 1 not run",)
    assert not rows["PLE"].values[AUC].best
    assert not rows["PLE"].values[AUC].best_baseline
    assert rows["ESMM"].values[AUC].best


def test_as_many_seeds_but_other_ones_is_not_complete():
    rows = only([record("ESMM", seed=0), record("ESMM", seed=1), record("PLE", seed=1), record("PLE", seed=2)])
    assert {row.state for row in rows.values()} == {"partial"}


def test_failed_and_not_applicable_rows_say_why():
    rows = only(
        [
            record("ESMM"),
            record("RMTL-PLE", status="failed", reason="the critic of task pay is dead\nlower the rate"),
            record("RMTL-ESMM", status="not-applicable", reason="no sessions"),
        ]
    )
    assert rows["RMTL-PLE"].state == "failed"
    assert rows["RMTL-PLE"].values == {}
    assert rows["RMTL-PLE"].reasons == ("seed 0 failed: the critic of task pay is dead lower the rate",)
    assert rows["RMTL-PLE"].gap == "failed: the critic of task …"
    assert rows["RMTL-ESMM"].state == "not applicable"
    assert rows["RMTL-ESMM"].gap == "not applicable: no sessions"


def test_the_reason_beside_a_failed_row_is_that_of_its_failure():
    refused = record("A-PLE", status="not-applicable", reason="no sessions")
    failed = record("A-PLE", seed=1, status="failed", reason="the loss is NaN")
    assert only([record("PLE"), record("PLE", seed=1), refused, failed])["A-PLE"].gap == "failed: the loss is NaN"


def test_an_undefined_metric_of_one_seed_is_not_averaged_over_the_others():
    undefined = {"test": {**scores(0.9), "click": {"auc": None, "logloss": 0.1, "s_logloss": 0.1}}}
    rows = only([record("ESMM", seed=0), record("ESMM", seed=1, metrics=undefined)])
    assert AUC not in rows["ESMM"].values
    assert rows["ESMM"].values[LOSS].text == "0.3000"


@pytest.mark.parametrize(
    ("difference", "title"),
    [
        ({"protocol": 2}, "Synthetic, protocol=2"),
        ({"preset": "paper"}, "Synthetic, preset=paper"),
        ({"training": {"epochs": 20, "patience": 2}}, "Synthetic, epochs=20"),
        ({"dataset_changed": {"variant": "1k"}, "fingerprint": "e" * 64}, "Synthetic [variant=1k]"),
        ({"fingerprint": "e" * 64}, "Synthetic, data=eeeeeeee"),
    ],
)
def test_what_was_not_run_under_the_same_conditions_is_not_in_one_table(difference, title):
    training = {"epochs": 10, "patience": 2}
    found = boards([record(auc=0.7, training=training), record(auc=0.9, **{"training": training, **difference})])
    assert len(found) == 2
    assert title in {board.title for board in found}
    assert len({board.title for board in found}) == 2
    assert {row.values[AUC].text for board in found for row in board.rows} == {"0.7000", "0.9000"}


def test_changed_parameters_are_in_the_name_and_never_averaged():
    wide = plugin("ple", "PLE", experts=8, tower=[128, 64])
    half = plugin("rmtl", "RMTL", **{"lambda": 0.5})
    rows = only(
        [
            record("RMTL-PLE", 0.6),
            record("RMTL-PLE", 0.7, backbone=wide),
            record("RMTL-PLE", 0.8, backbone=wide, weighting=half),
        ]
    )
    assert [(name, row.values[AUC].text) for name, row in rows.items()] == [
        ("RMTL-PLE", "0.6000"),
        ("RMTL-PLE [experts=8, tower=128-64]", "0.7000"),
        ("RMTL-PLE [experts=8, tower=128-64; lambda=0.5]", "0.8000"),
    ]


def test_parameters_that_the_name_leaves_out_are_added_where_they_differ():
    other = plugin("ple", "PLE").model_copy(update={"params": {"size": 32}})
    rows = only([record("PLE", 0.6), record("PLE", 0.7, backbone=other)])
    assert list(rows) == ["PLE (ple.size=16)", "PLE (ple.size=32)"]


def test_baselines_first_then_by_weighting_and_backbone():
    names = ["RMTL-PLE", "PLE", "Decay-PLE", "RMTL-AITM", "Decay-AITM", "AITM"]
    board_rows = only([record(name, weighting=None) for name in names])
    assert list(board_rows) == ["AITM", "PLE", "Decay-AITM", "Decay-PLE", "RMTL-AITM", "RMTL-PLE"]


def test_parameters_sort_as_numbers():
    values = [10, 2, 0.5]
    rows = only([record("RMTL-PLE", weighting=plugin("rmtl", "RMTL", **{"lambda": value})) for value in values])
    assert list(rows) == ["RMTL-PLE [lambda=0.5]", "RMTL-PLE [lambda=2]", "RMTL-PLE [lambda=10]"]


def test_the_optimum_is_the_last_row_and_never_ranked():
    rows = only([record("PLE", 0.7, optimum={"test": scores(0.99)})])
    assert list(rows) == ["PLE", "Bayes optimum"]
    assert rows["Bayes optimum"].values[AUC].text == "0.9900"
    assert not rows["Bayes optimum"].values[AUC].best
    assert rows["PLE"].values[AUC].best


def test_spend_is_the_mean_over_seeds_of_all_stages():
    rows = only([record(seed=0, spend=((100, 1000, 1.0), (50, 500, 2.0))), record(seed=1, spend=((50, 500, 1.0),))])
    spend = rows["Shared Bottom"].spend
    assert (spend.steps, spend.rows, spend.seconds) == (100, 1000, 2.0)


def test_different_code_under_one_name_is_remarked():
    other = plugin("ple", "PLE").model_copy(update={"source": "1" * 64})
    rows = only([record("PLE", seed=0), record("PLE", seed=1, backbone=other)])
    assert rows["PLE"].remarks == ("its seeds were run with different code of the backbone ple: run them again",)


@pytest.mark.parametrize(("package", "remarks"), [("mtlbench", 0), ("shop", 1)])
def test_another_version_is_other_code_but_for_that_of_mtlbench_itself(package: str, remarks: int):
    one, other = (
        plugin("ple", "PLE").model_copy(update={"version": f"{package} {number}"}) for number in ("1.0", "2.0")
    )
    rows = only([record("PLE", seed=0, backbone=one), record("PLE", seed=1, backbone=other)])
    assert len(rows["PLE"].remarks) == remarks


def test_the_order_of_the_records_does_not_matter():
    records = [record(name, seed=seed, auc=0.6 + seed / 100) for name in ("PLE", "RMTL-PLE") for seed in range(4)]
    shuffled = random.Random(0).sample(records, len(records))
    assert boards(records) == boards(shuffled)
    assert boards(records)[0].columns == tuple(
        (task, name) for task in TASKS for name in ("auc", "logloss", "s_logloss")
    )


def matched(method, aucs, steps):
    training = {"epochs": 10, "budget": "steps", "allowance": float(steps)}
    return [record(method, auc, seed=seed, training=training) for seed, auc in enumerate(aucs)]


def test_of_two_budgets_of_a_block_the_one_of_most_methods_counts():
    earlier, later = matched("PLE", [0.60, 0.61], 1000), matched("PLE", [0.70, 0.71], 2000)
    rows = only([*earlier, *later, *matched("A-PLE", [0.72, 0.73], 2000), *matched("B-PLE", [0.74, 0.75], 1000)])
    assert rows["PLE"].values["click", "auc"].seeds == (0.70, 0.71)
    assert rows["A-PLE"].state == rows["PLE"].state == "complete"
    assert rows["B-PLE"].state == "failed"
    assert rows["B-PLE"].reasons == (
        "seeds 0, 1 failed: its budget was 1,000 steps, and that of other methods on its backbone 2,000: run all in "
        "one study",
    )
    again = [
        *matched("PLE", [0.60, 0.61], 500),
        *matched("A-PLE", [0.62, 0.63], 500),
        *matched("B-PLE", [0.6, 0.6], 500),
    ]
    assert only([*later, *again])["PLE"].values["click", "auc"].seeds == (0.60, 0.61)


def test_budgets_that_differ_from_seed_to_seed_and_from_backbone_to_backbone_all_count():
    found = [
        *matched("PLE", [0.70], 1000),
        *(record("PLE", 0.71, seed=1, training={"epochs": 10, "budget": "steps", "allowance": 900.0}),),
        *matched("ESMM", [0.72, 0.73], 500),
    ]
    assert {row.state for row in only(found).values()} == {"complete"}
