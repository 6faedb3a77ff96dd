"""What a page may claim, one rule after the other, on made-up boards: what is marked, ranked, shown and said."""

import numpy as np
import pytest
from record_factory import plugin, record, runs, scores

from mtlbench.leaderboards import build, to_latex, to_markdown
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.formats.export import summary
from mtlbench.leaderboards.formats.page import edits, parse_page
from mtlbench.leaderboards.tables.claims import claims
from mtlbench.records import Influence, encoded

AUC = ("click", "auc")
SEEDS = 8
BASE = [0.700 + i / 1e4 for i in range(SEEDS)]
AHEAD = [score + 0.001 + (i % 3) / 1e5 for i, score in enumerate(BASE)]


def board_of(records, baselines=()):
    (board,) = contrasted(boards(records), baselines)
    return board


def rows_of(records):
    return {row.method: row for row in board_of(records).rows}


def notes_of(records):
    (table, *_) = build(records)
    return {
        name: text for _, note in table.notes for names, text in [note.split(": ", 1)] for name in names.split(", ")
    }


def with_influence(records, size, unit="session", seed=0):
    """The records with influences of this size, by ``seed``; the difference of two has an error of sqrt(2) size."""
    own = np.random.default_rng(seed).normal(size=256)
    own = size * (own - own.mean()) / np.sqrt(((own - own.mean()) ** 2).sum())
    influence = Influence(unit=unit, sums={task: encoded(own) for task in ("click", "pay")})
    return [one.model_copy(update={"influence": influence}) for one in records]


# -- a mark needs both errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "mark"), [(0.0001, "*"), (0.01, "")])
def test_a_star_needs_the_interval_over_test_samples_to_exclude_0_too(size, mark):
    board = board_of([*with_influence(runs("PLE", BASE), size), *with_influence(runs("A-PLE", AHEAD), size, seed=1)])
    value = board.rows[-1].values[AUC]
    (contrast,) = value.contrasts
    assert contrast.adjusted == 2 / 2**SEEDS
    assert value.marks == mark
    error = contrast.sampling.half_width / 1.9693  # the quantile of 255 degrees of freedom
    assert error == pytest.approx(np.sqrt(2) * size, rel=0.15)
    assert contrast.sampling.value == contrast.difference.estimate.value
    _, text = claims([board])
    assert "and an interval over test samples without 0" in text


def test_what_moves_both_methods_alike_is_no_error_of_their_difference():
    same = [*with_influence(runs("PLE", BASE), 0.01), *with_influence(runs("A-PLE", AHEAD), 0.01)]
    (contrast,) = board_of(same).rows[-1].values[AUC].contrasts
    assert contrast.sampling.half_width == pytest.approx(0, abs=1e-12)
    assert contrast.verdict == "better"


@pytest.mark.parametrize("unit", ["session", "user", "row"])
def test_both_intervals_stand_beside_the_difference_and_the_page_says_what_was_drawn(unit):
    records = [
        *with_influence(runs("PLE", BASE), 0.001, unit),
        *with_influence(runs("A-PLE", AHEAD), 0.001, unit, seed=1),
    ]
    (table, *_) = build(records)
    cell = table.lines[1].cells[1]
    (contrast,) = table.boards[0].rows[-1].values[AUC].contrasts
    seeds, samples = (round(one.half_width * 1e4) for one in (contrast.difference.estimate, contrast.sampling))
    assert (table.heads[1].name, cell.text, cell.aside) == ("vs Constant", "+0.0010", f"({seeds})[{samples}]")
    assert f"in brackets over test samples drawn by {unit}" in " ".join(table.caption)
    found = summary(table.boards).set_index(["method", "task", "metric"]).loc["A-PLE", "click", "auc"]
    assert (found["sample_low"], found["sample_high"]) == (contrast.sampling.low, contrast.sampling.high)


def test_records_that_do_not_know_it_leave_marks_to_the_seeds_and_the_page_says_so():
    board = board_of([*runs("PLE", BASE), *runs("A-PLE", AHEAD)])
    assert board.rows[-1].values[AUC].marks == "*"
    first, text = claims([board])
    assert "is not known where an earlier version made the record, as these records" in first
    assert "They rest on seeds alone: another test sample might give others." in text
    half = board_of([*with_influence(runs("PLE", BASE), 0.01), *runs("A-PLE", AHEAD)])
    assert half.rows[-1].values[AUC].contrasts[0].sampling is None
    one_old = [*runs("A-PLE", AHEAD)[:1], *with_influence(runs("A-PLE", AHEAD)[1:], 0.01, seed=1)]
    mixed = board_of([*with_influence(runs("PLE", BASE), 0.01), *one_old])
    assert mixed.rows[-1].values[AUC].contrasts[0].sampling is None


def test_the_mean_over_seeds_has_less_error_than_a_seed_where_seeds_move_apart():
    base = with_influence(runs("PLE", BASE), 0.0)
    own = [with_influence([one], 0.01, seed=one.seed)[0] for one in runs("A-PLE", AHEAD)]
    (contrast,) = board_of([*base, *own]).rows[-1].values[AUC].contrasts
    assert contrast.sampling.half_width / 1.9693 == pytest.approx(0.01 / np.sqrt(SEEDS), rel=0.2)


# -- rows that need a word --------------------------------------------------------------------------------------------


def test_a_row_that_equals_its_baseline_in_every_seed_is_marked_and_not_ranked_apart():
    worst = [score - 0.01 for score in BASE]
    records = [*runs("PLE", BASE), *runs("Same-PLE", BASE), *runs("Again-PLE", BASE), *runs("Bad-PLE", worst)]
    rows = rows_of(records)
    assert rows["Same-PLE"].flags == rows["Again-PLE"].flags == ("not exercised",)
    assert rows["Same-PLE"].values[AUC].marks == ""
    # The primary metrics of two tasks, and two losses each that are all alike (1.5).
    ranks = {name: row.rank for name, row in rows.items()}
    assert ranks == pytest.approx(dict.fromkeys(ranks, (2 * 1 + 4 * 1.5) / 6) | {"Bad-PLE": (2 * 2 + 4 * 1.5) / 6})
    assert "Not exercised" in notes_of(records)["Same-PLE"]
    (table, *_) = build(records)
    shown = {line.labels[0].text.rstrip("¹"): line.cells[1].text for line in table.lines}
    assert shown == {"PLE": "–", "Same-PLE": "=", "Again-PLE": "=", "Bad-PLE": "−0.0100"}
    assert "= is the same to the last digit in every seed" in " ".join(table.caption)


def test_one_seed_that_differs_in_the_last_bit_is_exercised():
    almost = [*BASE[:-1], np.nextafter(BASE[-1], 1)]
    assert rows_of([*runs("PLE", BASE), *runs("Same-PLE", almost)])["Same-PLE"].flags == ()
    loss = [
        record("A-PLE", seed=i, metrics={"test": scores(score, logloss=0.5 + (i == 3) * 1e-12)})
        for i, score in enumerate(BASE)
    ]
    assert rows_of([*runs("PLE", BASE), *loss])["A-PLE"].flags == ()


def test_rows_that_are_equal_share_one_line_and_one_rank():
    worst = [score - 0.01 for score in BASE]
    records = [*runs("PLE", BASE), *runs("PCGrad-PLE", AHEAD), *runs("UPGrad-PLE", AHEAD), *runs("Bad-PLE", worst)]
    rows = rows_of(records)
    assert (rows["PCGrad-PLE"].equals, rows["UPGrad-PLE"].equals) == ("", "PCGrad-PLE")
    assert rows["PCGrad-PLE"].rank == rows["UPGrad-PLE"].rank == pytest.approx((2 * 1 + 4 * 2) / 6)
    assert rows["PLE"].rank == pytest.approx((2 * 2 + 4 * 2) / 6)  # not third behind two rows that are one
    tables = build(records)
    assert [line.labels[0].text for line in tables[0].lines] == ["PLE", "Bad-PLE", "PCGrad-PLE = UPGrad-PLE"]
    assert len(tables[0].spend.lines) == 4
    page = to_markdown(tables)
    assert "| PCGrad-PLE = UPGrad-PLE " in page
    assert "PCGrad-PLE = UPGrad-PLE &" in to_latex(tables)
    assert list(edits(page, parse_page(page, "page"))) == []
    changed = page.replace("**0.7014(2)", "**0.7099(2)", 1)
    assert changed != page
    assert "have the mean 0.7014" in next(edits(changed, parse_page(changed, "page")))


def test_rows_on_different_backbones_are_not_equal():
    rows = rows_of([*runs("PLE", BASE), *runs("ESMM", BASE)])
    assert {row.equals for row in rows.values()} == {""}


@pytest.mark.parametrize(("cut", "flagged"), [(4, False), (5, True)])
def test_a_row_is_cut_off_where_the_best_epoch_is_the_last_allowed_in_more_than_half_of_its_cells(cut, flagged):
    records = [
        one.model_copy(update={"best_epoch": {"train": 10 if one.seed < cut else 6}}) for one in runs("PLE", BASE)
    ]
    assert rows_of(records)["PLE"].flags == (("cut off",) if flagged else ())
    assert ("PLE" in notes_of(records)) == flagged
    if flagged:
        assert notes_of(records)["PLE"].startswith("Cut off: in more than half of the seeds the best epoch is the last")


@pytest.mark.parametrize(
    ("kept", "training", "flagged"),
    [
        ({"train": 4, "continue": 10}, {}, True),
        ({"train": 10, "continue": 3}, {}, False),
        ({"train": 10, "continue": 0}, {}, True),  # what is scored is of the first stage
        ({"train": 10}, {"budget": "steps"}, False),  # it trained until its steps were used
    ],
)
def test_it_is_the_stage_that_is_scored_that_may_be_cut_off(kept, training, flagged):
    records = [
        one.model_copy(update={"best_epoch": kept, "training": {**one.training, **training}})
        for one in runs("PLE", BASE)
    ]
    assert rows_of(records)["PLE"].flags == (("cut off",) if flagged else ())


def test_a_row_with_more_steps_than_its_baseline_says_so_and_names_its_restart_control():
    restarted = plugin("constant", "Constant", restart=True)
    control = runs("PLE", [x + 1e-4 for x in BASE], weighting=restarted, baseline=False, spend=((250, 2500, 1.0),))
    method = [
        one.model_copy(update={"controls": [other.cell for other in control]})
        for one in runs("RMTL-PLE", AHEAD, spend=((100, 1000, 1.0), (150, 1500, 1.0)))
    ]
    alike = runs("Near-PLE", [x + 2e-4 for x in BASE], spend=((104, 1040, 1.0),))
    records = [*runs("PLE", BASE), *control, *method, *alike]
    rows = rows_of(records)
    assert rows["RMTL-PLE"].flags == rows["PLE [restart=true]"].flags == ("more spend",)
    assert rows["Near-PLE"].flags == rows["PLE"].flags == ()
    notes = notes_of(records)
    assert notes["RMTL-PLE"] == (
        "More spend: 2.5 times the steps of its baseline; compare it with Constant [restart=true] too."
    )
    assert notes["PLE [restart=true]"] == "More spend: 2.5 times the steps of its baseline."
    alone = [*runs("PLE", BASE), *method]
    assert notes_of(alone)["RMTL-PLE"] == "More spend: 2.5 times the steps of its baseline."


def test_probabilities_worse_than_the_base_rate_are_marked():
    def with_entropy(method, level, values):
        return [
            record(method, seed=i, metrics={"test": {task: {**part, "normalised_entropy": level} for task, part in
                   scores(value).items()}})
            for i, value in enumerate(values)
        ]  # fmt: skip

    records = [*with_entropy("PLE", 0.99, BASE), *with_entropy("A-PLE", 1.01, AHEAD)]
    rows = rows_of(records)
    assert (rows["PLE"].flags, rows["A-PLE"].flags) == ((), ("worse than the base rate",))
    assert "Worse than the base rate" in notes_of(records)["A-PLE"]


def test_flags_and_equal_rows_are_in_the_exports():
    records = [*runs("PLE", BASE), *runs("Same-PLE", BASE, spend=((300, 1, 1.0),)), *runs("A-PLE", AHEAD)]
    frame = summary([board_of([*records, *runs("B-PLE", AHEAD)])]).set_index("method")
    assert set(frame.loc["Same-PLE", "flags"]) == {"not exercised; more spend"}
    assert set(frame.loc["B-PLE", "equals"]) == {"A-PLE"}
    assert frame.loc["A-PLE", "flags"].isna().all()


# -- columns ----------------------------------------------------------------------------------------------------------


def test_without_sessions_there_is_no_column_over_sessions():
    def without(method, values):
        keep = {task: {"auc": 0, "logloss": 0.5} for task in ("click", "pay")}
        return [
            record(method, seed=i, metrics={"test": {task: {**part, "auc": value} for task, part in keep.items()}})
            for i, value in enumerate(values)
        ]  # fmt: skip

    (table, *_) = build([*without("PLE", BASE), *without("A-PLE", AHEAD)])
    assert [head.name for head in table.heads] == ["AUC", "vs Constant", "Logloss"] * 2
    assert "s-Logloss" not in " ".join(table.caption)


def test_each_task_has_one_column_that_can_carry_a_mark():
    better = [
        record("A-PLE", seed=i, metrics={"test": scores(AHEAD[i], logloss=0.4 + i / 1e4, s_logloss=0.3 + i / 1e4)})
        for i in range(SEEDS)
    ]
    board = board_of([*runs("PLE", BASE), *better])
    marked = {column for row in board.rows for column, value in row.values.items() if value.marks}
    assert marked == {("click", "auc"), ("pay", "auc")}


def test_the_paper_layout_has_the_differences_too():
    (table, *_) = build([*runs("PLE", BASE), *runs("A-PLE", AHEAD)], "paper")
    labels = [line.labels[2].text for line in table.lines]
    assert labels == ["AUC", "vs Constant", "Logloss", "s-Logloss"] * 2
    assert [cell.text for cell in table.lines[1].cells] == ["–", "+0.0010"]
