"""Gains of weightings over constant weights, on a board and over logs: by hand, and what they must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
from made_logs import log_boards, log_records, over
from markdown_it import MarkdownIt
from record_factory import TASKS, plugin, record, runs
from scipy import stats

from mtlbench.leaderboards.boards.board_gains import BoardGains, board_gains, judged
from mtlbench.leaderboards.boards.gains import Gain
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.over_logs import over_logs
from mtlbench.leaderboards.formats.over_logs import to_overall_page
from mtlbench.records import Influence, Record
from mtlbench.records.influence import encoded
from mtlbench.statistics import critical_difference, friedman, max_t, ranks, sampling_interval


def on_board(records: list[Record]) -> BoardGains:
    [board] = boards(records)
    found = board_gains("page", board, {})
    assert found is not None
    return found


def auc_of(click: float, pay: float) -> dict[str, dict[str, dict[str, float]]]:
    return {"test": {"click": {"auc": click}, "pay": {"auc": pay}}}


def test_a_gain_is_delta_m_seed_by_seed_over_the_primary_metrics_mean_over_backbones() -> None:
    values = {
        "PLE": [(0.70, 0.80), (0.71, 0.82)],
        "A-PLE": [(0.77, 0.80), (0.71, 0.82)],
        "ESMM": [(0.70, 0.80), (0.70, 0.80)],
        "A-ESMM": [(0.70, 0.84), (0.735, 0.84)],
    }
    found = on_board(
        [record(name, seed=i, metrics=auc_of(*one)) for name, seeds in values.items() for i, one in enumerate(seeds)]
    )
    # PLE: 10 % in one of two tasks, then nothing. ESMM: 5 % in one, then 5 % in both.
    assert found.gains["a"].seeds == pytest.approx([(5 + 2.5) / 2, (0 + 5) / 2])
    assert found.gains["constant"].seeds == (0, 0)
    assert found.backbones == ("ESMM", "PLE")
    expected = stats.ttest_1samp([3.75, 2.5], 0).confidence_interval()
    estimate = found.gains["a"].estimate
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((3.125, expected.low, expected.high))


def test_lower_is_better_where_the_primary_metric_says_so() -> None:
    tasks, kinds, primary = ("time",), {"time": "real"}, {"time": "rmse"}
    found = on_board(
        [
            record(name, tasks=tasks, kinds=kinds, primary=primary, metrics={"test": {"time": {"rmse": value}}})
            for name, value in (("PLE", 2.0), ("A-PLE", 1.9))
        ]
    )
    assert found.gains["a"].seeds == pytest.approx((5,))


def test_gaps_leave_out_a_backbone_or_a_weighting_and_are_named() -> None:
    rows = {"PLE": 2, "A-PLE": 2, "B-PLE": 1, "ESMM": 2, "MMoE": 2, "A-MMoE": 2, "C-MMoE": 2}
    found = on_board([one for name, seeds in rows.items() for one in runs(name, [0.7] * seeds)])
    assert set(found.gains) == {"constant", "a"}
    assert found.backbones == ("MMoE", "PLE")
    assert sorted(found.left_out) == ["B", "C", "ESMM"]


def test_cost_is_beside_that_of_constant_weights_on_the_same_backbones() -> None:
    found = on_board(
        [
            *runs("PLE", [0.7], spend=((100, 1, 2.0),)),
            *runs("A-PLE", [0.7], spend=((100, 1, 2.0), (150, 1, 6.0))),
        ]
    )
    assert (found.gains["a"].steps, found.gains["a"].seconds) == (2.5, 4.0)
    assert (found.gains["constant"].steps, found.gains["constant"].seconds) == (1, 1)


def test_ranks_and_tests_over_logs_by_hand() -> None:
    found = over([{"A": 0.004, "B": lead, "C": -0.002} for lead in (0.001, -0.001, 0.0015, -0.001, 0.001, -0.001)])
    table = [[board.gains[spec].printed for spec in ("constant", "a", "b", "c")] for board in found.blocks]
    placed = dict(zip(("constant", "a", "b", "c"), ranks(table).mean(0), strict=True))
    assert {one.spec: one.rank for one in found.standings} == pytest.approx(placed)
    assert [one.rank for one in found.standings] == sorted(placed.values())
    assert found.friedman == friedman(ranks(table))
    assert found.critical_difference == critical_difference(4, 6)
    means = np.array([[board.gains[spec].estimate.value for board in found.blocks] for spec in ("a", "b", "c")])
    p_values = dict(zip("abc", max_t(means).adjusted, strict=True))
    for one in found.rivals:
        assert one.gain.value == pytest.approx(means["abc".index(one.spec)].mean())
        assert (one.verdict != "not told apart") == (p_values[one.spec] < 0.05)
    assert {one.spec: one.verdict for one in found.rivals} == {"a": "better", "b": "not told apart", "c": "worse"}
    assert sum(one.best for one in found.standings) == pytest.approx(1)
    # Only those are told apart whose ranks are further apart than the critical difference.
    first = found.standings[0]
    assert found.apart_from(first) == [
        one for one in found.standings if one.rank - first.rank >= critical_difference(4, 6)
    ]


def test_a_log_ranks_once_whatever_its_tasks_and_conditions() -> None:
    few = log_boards("Shop", {"A": 0.004, "B": 0.0}, seeds=3)
    many = log_boards("Shop", {"A": 0.004}, seeds=8, dataset_changed={"tasks": "all"}, fingerprint="e" * 64)
    other = log_boards("Hotel", {"A": 0.004, "B": 0.0}, preset="compact")
    found = over_logs([("few", few), ("many", many), ("hotel", other)])[0]
    assert [board.page for board in found.blocks] == ["many", "hotel"]
    assert [board.page for board in found.boards] == ["many", "hotel", "few"]
    assert found.left_out == ("B",)
    assert [found.called(board) for board in found.boards] == ["Shop [tasks=all]", "Hotel", "Shop"]


def test_generated_logs_under_other_seeds_are_other_logs() -> None:
    pages = [(f"s{i}", log_boards("Made", {"A": 0.004}, dataset_changed={"seed": i})) for i in range(3)]
    assert len(over_logs(pages)[0].blocks) == 3


def test_a_log_with_too_few_weightings_in_common_is_named() -> None:
    leads = dict.fromkeys("ABCDE", 0.001)
    found = over([leads, leads, {"Z": 0.001}])
    assert [board.page for board in found.blocks] == ["shop", "hotel"]
    assert [board.page for board in found.logs_left_out] == ["news"]
    assert "Z" in found.left_out


def test_the_same_weighting_with_other_sizes_of_a_preset_is_one_and_the_page_can_say_so() -> None:
    def sized(size: int) -> list[Record]:
        return [
            one.model_copy(update={"weighting": one.weighting.model_copy(update={"params": {"size": size}})})
            for one in log_records("Shop" if size == 16 else "Hotel", {"A": 0.004})
        ]

    found = over_logs([(f"p{size}", boards(sized(size))) for size in (16, 32)])[0]
    assert len(found.blocks) == 2
    assert found.differing == {"Constant": ("size",), "A": ("size",)}


def test_a_weighting_with_another_parameter_is_another_one() -> None:
    changed = [
        one.model_copy(update={"weighting": plugin("a", "A", power=2)}) if one.weighting.name == "a" else one
        for one in log_records("Hotel", {"A": 0.004})
    ]
    found = over_logs([("shop", log_boards("Shop", {"A": 0.004})), ("hotel", boards(changed))])[0]
    assert [one.name for one in found.standings] == ["Constant"]
    assert sorted(found.left_out) == ["A", "A [power=2]"]


def test_tuned_weightings_are_compared_with_tuned_constant_and_the_same_trials_alone() -> None:
    records = [
        *log_records("Shop", {"A": 0.001}),
        *log_records("Shop", {"A": 0.004}, trials=12),
        *log_records("Shop", {"A": -0.004}, trials=20),
    ]
    found = over_logs([("shop", boards(records))])
    by_trials = {one.tuning.get("trials", 0): one for one in found}
    assert sorted(by_trials) == [0, 12, 20]
    signs = {trials: np.sign(one.rivals[0].gain.value) for trials, one in by_trials.items()}
    assert signs == {0: 1, 12: 1, 20: -1}
    assert [one.name for one in by_trials[12].rivals] == ["A"]
    # Their spaces differ from log to log, and they are the same weighting all the same.
    several = over([{"A": 0.004}] * 3, trials=12)
    assert (len(several.blocks), len(several.standings)) == (3, 2)


def test_a_weighting_that_was_tuned_over_another_space_than_constant_weights_has_no_gain() -> None:
    records = log_records("Shop", {"A": 0.004, "B": 0.004}, trials=12)
    use = next(one.weighting for one in records if one.weighting.name == "b")
    elsewhere = use.model_copy(update={"params": {**use.params, "space": "other-B"}})
    [board] = boards(
        [one.model_copy(update={"weighting": elsewhere}) if one.weighting == use else one for one in records]
    )
    [found] = over_logs([("shop", [board])])
    assert [one.name for one in found.rivals] == ["A"]
    assert found.boards[0].left_out == ("B",)


def test_the_order_of_pages_changes_no_number() -> None:
    pages = [("b", log_boards("Shop", {"A": 0.002, "B": 0.0})), ("a", log_boards("Hotel", {"A": 0.0, "B": 0.001}))]
    one, other = over_logs(pages)[0], over_logs(pages[::-1])[0]
    assert [(s.spec, s.rank, s.gain, s.steps) for s in one.standings] == [
        (s.spec, s.rank, s.gain, s.steps) for s in other.standings
    ]


def influenced(records: list[Record], sums: dict[str, np.ndarray]) -> list[Record]:
    """The records with this influence of the groups of test rows on each task, by weighting."""
    return [
        one.model_copy(
            update={
                "influence": Influence(unit="session", sums={task: encoded(sums[one.weighting.name]) for task in TASKS})
            }
        )
        for one in records
    ]


def test_a_gain_that_other_test_rows_could_undo_is_not_claimed() -> None:
    random = np.random.default_rng(3)
    groups = random.normal(0, 1, (2, 64))
    groups -= groups.mean(1, keepdims=True)
    records = log_records("Shop", {"A": 0.004})

    def gain(scale: float) -> Gain:
        own = influenced(records, {"constant": scale * groups[0], "a": scale * groups[1]})
        return over_logs([("shop", boards(own))])[0].boards[0].gains["a"]

    sure, unsure = gain(1e-6), gain(1e-3)
    assert (sure.verdict, unsure.verdict) == ("better", "not told apart")
    assert unsure.adjusted == sure.adjusted < 0.05
    # By the derivative of 100 (A / C - 1), to the digits of what a record keeps.
    a, c = (
        np.mean(
            [value for one in records if one.weighting.name == name for value in one.primary_scores("test").values()]
        )
        for name in ("a", "constant")
    )
    expected = sampling_interval(unsure.estimate.value, 100 * 1e-3 * (groups[1] / c - a * groups[0] / c**2))
    assert unsure.sampling is not None
    assert unsure.sampling.half_width == pytest.approx(expected.half_width, rel=2e-3)


def test_pages_on_which_nothing_gains_rarely_claim_anything() -> None:
    [board] = log_boards("Shop", dict.fromkeys("ABCD", 0.0))
    made = board_gains("shop", board, {})
    assert made is not None
    random = np.random.default_rng(0)
    pages, boards_each, claims = 300, 3, 0

    def drawn() -> BoardGains:
        shared = random.normal(0, 1, 10)
        gains = {
            spec: replace(gain, seeds=tuple(shared + random.normal(0, 1, 10)))
            for spec, gain in made.gains.items()
            if spec != "constant"
        }
        return replace(made, gains={**gains, "constant": made.gains["constant"]})

    for _ in range(pages):
        found = judged([drawn() for _ in range(boards_each)])
        claims += any(one.told("better") or one.told("worse") for one in found)
    assert claims / pages <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / pages)


def test_nothing_to_compare() -> None:
    alone = boards(runs("PLE", [0.7, 0.71]))
    without = boards([one for one in log_records("Shop", {"A": 0.0, "B": 0.0}) if not one.baseline])
    assert over_logs([("alone", alone), ("without", without)]) == []
    assert over_logs([]) == []


def test_names_from_records_are_shown_as_they_are_on_the_page() -> None:
    name = "A|<b>*x*</b>[y](javascript:1)"
    records = log_records("Shop", {"A": 0.004})
    hostile = [
        one.model_copy(update={"weighting": one.weighting.model_copy(update={"label": name})})
        if one.weighting.name == "a"
        else one
        for one in records
    ]
    page = to_overall_page(over_logs([("shop", boards(hostile))]), ["."], ["a page.md", "shop.md"], ["my figure.svg"])
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(page)
    inline = [child for token in tokens for child in token.children or []]
    assert {child.attrGet("href") for child in inline if child.type == "link_open"} == {"shop.md"}
    assert [child.attrGet("src") for child in inline if child.type == "image"] == ["my%20figure.svg"]
    assert {child.content for child in inline if child.type.startswith("html")} == {"<br>"}  # in heads of tables
    assert not any(child.type == "em_open" for child in inline)
    shown = ["".join(child.content for child in token.children or []) for token in tokens if token.type == "inline"]
    assert name in shown  # its own cell
    assert any(f"Better than Constant: {name} (+0." in text for text in shown)
