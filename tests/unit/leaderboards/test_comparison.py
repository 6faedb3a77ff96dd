"""Mine against a reference: what is aligned, what is refused, and who is better, tied or worse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_factory import plugin, record, runs, scores
from scipy import stats

from mtlbench.errors import UsageError
from mtlbench.leaderboards import (
    board_scores,
    build,
    compare,
    comparison_json,
    comparison_tables,
    parse_page,
    to_markdown,
)
from mtlbench.leaderboards.boards.grouping import boards

AUC = ("click", "auc")


def side(*groups, **options):
    """The boards of records."""
    return [board_scores(board) for board in boards([one for group in groups for one in group])]


def levels(mean, seeds=8, noise=0.001, seed=0):
    return list(mean + np.random.default_rng(seed).normal(0, noise, seeds))


def only(comparison):
    (board,) = comparison.boards
    return {pair.mine: pair for pair in board.aligned}


def test_better_tied_worse_and_same():
    reference = side(*(runs(name, levels(0.7)) for name in ("A", "B", "C", "D")))
    mine = side(
        runs("A", levels(0.71)),
        runs("B", levels(0.7, seed=1)),
        runs("C", levels(0.69)),
        runs("D", levels(0.7)),
    )
    found = compare(mine, reference)
    assert {name: pair.verdict for name, pair in only(found).items()} == {
        "A": "better",
        "B": "tied",
        "C": "worse",
        "D": "same",
    }
    assert found.regressed == ["Synthetic: C"]


def test_a_column_that_one_side_lacks_is_named():
    both = side(runs("A", levels(0.7)))
    columns = tuple(column for column in both[0].columns if column != AUC)
    places = [both[0].columns.index(column) for column in columns]
    methods = [
        one.model_copy(update={"scores": tuple(one.scores[place] for place in places)}) for one in both[0].methods
    ]
    lacking = [both[0].model_copy(update={"columns": columns, "methods": tuple(methods)})]
    text = to_markdown(comparison_tables(compare(both, lacking)))
    assert "Not compared, because one of the two lacks it: click AUC." in text
    assert "Not compared" not in to_markdown(comparison_tables(compare(both, both)))


def test_a_lower_logloss_is_better():
    def scored(logloss):
        return [record("A", seed=seed, metrics={"test": scores(0.7, logloss + seed / 1e3)}) for seed in range(5)]

    (pair,) = only(compare(side(scored(0.4)), side(scored(0.5)))).values()
    assert pair.cells[AUC].verdict == "same"
    assert pair.cells["click", "logloss"].verdict == "better"


def test_numbers_are_those_of_the_paired_t_test_adjusted_over_the_table():
    own, theirs = levels(0.7, seed=1), levels(0.7005, seed=2)
    mine = side(runs("A", own, tasks=("click",)), runs("B", levels(0.9), tasks=("click",)))
    reference = side(runs("A", theirs, tasks=("click",)), runs("B", levels(0.9), tasks=("click",)))
    cell = only(compare(mine, reference))["A"].cells[AUC]
    expected = stats.ttest_rel(own, theirs)
    interval = expected.confidence_interval()
    assert cell.difference.p == pytest.approx(expected.pvalue)
    assert (cell.difference.estimate.low, cell.difference.estimate.high) == pytest.approx((interval.low, interval.high))
    assert cell.adjusted == pytest.approx(min(1, 6 * expected.pvalue))  # 2 methods x 3 metrics


def test_pairs_are_the_shared_seeds():
    own, theirs = levels(0.7, 6), levels(0.71, 6, seed=1)
    mine = side(runs("A", own))
    reference = side([record("A", auc, seed=seed + 2) for seed, auc in enumerate(theirs)])
    difference = only(compare(mine, reference))["A"].cells[AUC].difference
    assert (difference.paired, difference.counts) == (True, (4, 4))
    assert difference.estimate.value == pytest.approx(np.mean(np.subtract(own[2:], theirs[:4])))


def test_without_shared_seeds_the_means_are_compared_and_the_table_says_so():
    own, theirs = levels(0.7, 5), levels(0.71, 6, seed=1)
    reference = side([record("A", auc, seed=seed + 5) for seed, auc in enumerate(theirs)])
    found = compare(side(runs("A", own)), reference)
    difference = only(found)["A"].cells[AUC].difference
    assert (difference.paired, difference.counts) == (False, (5, 6))
    assert difference.p == pytest.approx(stats.ttest_ind(own, theirs, equal_var=False).pvalue)
    assert "as independent means (Welch)" in " ".join(comparison_tables(found)[0].caption)


def test_one_seed_tells_nothing_but_that_it_is_the_same():
    found = only(compare(side([record("A", 0.7), record("B", 0.7)]), side([record("A", 0.7), record("B", 0.6)])))
    assert (found["A"].verdict, found["B"].verdict) == ("same", "unknown")
    assert not found["B"].regressed


@pytest.mark.parametrize(
    ("difference", "message"),
    [
        ({"protocol": 2}, "protocol is 2 here and 1 in the reference"),
        ({"preset": "paper"}, "preset is paper here and quick in the reference"),
        ({"training": {"epochs": 20, "patience": 2}}, "epochs is 20 here and 10 in the reference"),
        ({"dataset_changed": {"variant": "1k"}}, "variant is 1k here and null in the reference"),
        ({"fingerprint": "e" * 64}, "data fingerprint is eeeeeeeeeeee here and ffffffffffff in the reference"),
    ],
)
def test_other_conditions_are_refused_and_named(difference, message):
    training = {"epochs": 10, "patience": 2}
    reference = side([record("A", training=training)])
    found = compare(side([record("A", **{"training": training, **difference})]), reference)
    assert found.boards == ()
    (refusal,) = found.refused
    assert refusal.differences == (message,)


def test_of_several_boards_the_one_with_the_same_conditions_is_compared_and_the_nearest_named():
    reference = side([record("A", 0.7)], [record("A", 0.6, protocol=2)], [record("A", 0.6, protocol=2, preset="paper")])
    mine = side([record("A", 0.7)], [record("A", 0.7, protocol=3)])
    found = compare(mine, reference)
    assert only(found)["A"].verdict == "same"
    assert [refusal.differences for refusal in found.refused] == [("protocol is 3 here and 1 in the reference",)]


def test_an_unknown_dataset_is_absent():
    found = compare(side([record("A", dataset="other")]), side([record("A")]))
    assert (found.boards, found.refused, found.absent) == ((), (), ("Synthetic",))


def test_other_parameters_are_another_method_whatever_its_name():
    half = plugin("rmtl", "RMTL", **{"lambda": 0.5})
    mine = side(runs("PLE", levels(0.7)), runs("RMTL-PLE", levels(0.72), weighting=half))
    reference = side(runs("PLE", levels(0.7)), runs("RMTL-PLE", levels(0.75)))
    (board,) = compare(mine, reference).boards
    assert [pair.mine for pair in board.aligned] == ["PLE"]
    assert [(pair.mine, pair.reference, pair.verdict) for pair in board.new] == [
        ("RMTL-PLE [lambda=0.5]", "PLE", "better")
    ]
    assert board.only_reference == ("RMTL-PLE",)


def test_new_methods_are_measured_against_the_named_baseline_on_their_backbone():
    reference = side(runs("PLE", levels(0.7)), runs("Decay-PLE", levels(0.74)), runs("ESMM", levels(0.9)))
    mine = side(runs("New-PLE", levels(0.72)), runs("New-AITM", levels(0.72)))
    (board,) = compare(mine, reference).boards
    assert [(pair.reference, pair.verdict) for pair in board.new] == [("PLE", "better")]
    assert board.without_baseline == ("New-AITM",)
    (board,) = compare(mine, reference, "decay").boards
    assert [(pair.reference, pair.verdict) for pair in board.new] == [("Decay-PLE", "worse")]
    assert compare(mine, reference, "decay").regressed == []
    with pytest.raises(UsageError, match="baseline weighting 'dceay': did you mean 'decay'"):
        compare(mine, reference, "dceay")


def tuned(label, trials, space="a"):
    use = plugin(label.lower(), label, trials=trials)
    return use.model_copy(update={"params": {**use.params, "space": f"{space}-{label}"}})


def test_a_new_tuned_method_is_measured_against_the_constant_weights_that_were_tuned_alike():
    constants = [
        runs("PLE", levels(level), weighting=tuned("Constant", *way), baseline=False)
        for level, way in ((0.73, (12, "a")), (0.74, (20, "a")), (0.75, (20, "b")))
    ]
    reference = side(runs("PLE", levels(0.7)), *constants)
    mine = side(
        runs("New-PLE", levels(0.72)),
        runs("New-PLE", levels(0.72), weighting=tuned("New", 12)),
        runs("New-PLE", levels(0.76), weighting=tuned("New", 20, "b")),
        runs("New-PLE", levels(0.76), weighting=tuned("New", 40)),
    )
    (board,) = compare(mine, reference).boards
    assert [(pair.mine, pair.reference, pair.verdict) for pair in board.new] == [
        ("New-PLE", "PLE", "better"),
        ("New-PLE [trials=12]", "PLE [trials=12]", "worse"),
        ("New-PLE [trials=20]", "PLE [trials=20] (constant.space=b-Constant)", "better"),
    ]
    assert board.without_baseline == ("New-PLE [trials=40]",)
    (board,) = compare(mine, reference, "constant").boards
    assert {pair.reference for pair in board.new} == {"PLE"}


def test_a_method_that_gives_no_scores_any_more_is_lost():
    failed = record("A", status="failed", reason="diverged")
    found = compare(side([failed, record("B")]), side([record("A"), record("B")]))
    assert only(found)["A"].verdict == "lost"
    assert found.regressed == ["Synthetic: A"]
    reverse = compare(side([record("A")]), side([failed]))
    assert only(reverse)["A"].verdict == "no scores"
    assert reverse.regressed == []


def test_other_code_is_remarked():
    changed = plugin("ple", "PLE").model_copy(update={"source": "1" * 64})
    found = compare(side([record("PLE", backbone=changed)]), side([record("PLE")]))
    assert "Run with other code: PLE (backbone)." in comparison_tables(found)[0].caption[0]


def test_tables_show_differences_intervals_and_marks():
    reference = side(*(runs(name, [0.70 + i / 1e3 for i in range(4)], tasks=("click",)) for name in "AB"))
    worse = [0.68 + i / 1e3 + offset for i, offset in enumerate((0, 2e-4, 0, 2e-4))]
    mine = side(runs("A", worse, tasks=("click",)), runs("B", [0.70 + i / 1e3 for i in range(4)], tasks=("click",)))
    (table,) = comparison_tables(compare(mine, reference))
    cells = {line.labels[0].text: line.cells for line in table.lines}
    # Differences -.02, -.0198, -.02, -.0198: t = 3.182 for 3 degrees of freedom, standard error 5.77e-5
    assert (cells["A"][0].text, cells["A"][1].text, cells["A"][1].tail) == ("worse", "−0.0199", "(2)▼")
    assert [cell.text for cell in cells["B"]] == ["same", "=", "=", "="]
    assert table.caption[0] == "2 methods in both: 1 worse, 1 same."


def test_json_has_no_nan():
    found = comparison_json(compare(side([record("A", 0.7)]), side([record("A", 0.6)])))
    (column, *_) = found["boards"][0]["aligned"][0]["columns"]
    assert column["difference"] == pytest.approx(0.1)
    assert column["low"] is column["p"] is column["p_adjusted"] is None
    assert not any(isinstance(value, float) and math.isnan(value) for value in column.values())


@settings(max_examples=25)
@given(st.lists(st.lists(st.floats(0.5, 0.9), min_size=4, max_size=4), min_size=1, max_size=4), st.integers(0, 100))
def test_a_page_compares_as_the_records_that_it_was_made_of(values, seed):
    records = [one for i, aucs in enumerate(values) for one in runs(f"M{i}", aucs)]
    rng = np.random.default_rng(seed)
    others = [one for i, aucs in enumerate(values) for one in runs(f"M{i}", list(np.add(aucs, rng.normal(0, 0.01, 4))))]
    page = list(parse_page(to_markdown(build(records)), "page").boards)
    own, theirs = side(records), side(others)
    assert comparison_json(compare(page, theirs)) == comparison_json(compare(own, theirs))
    assert {pair.verdict for pair in only(compare(page, own)).values()} == {"same"}


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.5, 0.9), st.floats(0.5, 0.9)), min_size=2, max_size=6))
def test_swapping_the_sides_swaps_better_and_worse(pairs):
    own, theirs = ([pair[i] for pair in pairs] for i in (0, 1))
    one = only(compare(side(runs("A", own)), side(runs("A", theirs))))["A"].verdict
    other = only(compare(side(runs("A", theirs)), side(runs("A", own))))["A"].verdict
    assert {"better": "worse", "worse": "better"}.get(one, one) == other


def test_false_alarms_are_rare_over_a_whole_table():
    """40 reruns of 8 methods under other random numbers: at most a few tables show a difference by chance."""
    alarms = 0
    for trial in range(40):
        rng = np.random.default_rng(trial)
        sides = [side(*(runs(f"M{i}", list(rng.normal(0.7, 0.01, 5))) for i in range(8))) for _ in range(2)]
        found = only(compare(*sides))
        alarms += any(pair.verdict in ("better", "worse") for pair in found.values())
    assert alarms <= 6  # binomial(40, .05): more than 6 has probability .003
