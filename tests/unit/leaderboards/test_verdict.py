"""What a leaderboard says in words, on made-up boards: no more than its tests allow."""

import numpy as np
import pytest
from record_factory import plugin, record, runs, scores
from rich.console import Console

from mtlbench.leaderboards import build, to_plain, to_screen, verdicts
from mtlbench.leaderboards.tables.claims import claims
from mtlbench.leaderboards.tables.verdict import verdict
from mtlbench.records import Influence, encoded

SEEDS = 8
BASE = [0.700 + i / 1e4 for i in range(SEEDS)]
STEPS = [(i % 3) / 1e5 for i in range(SEEDS)]
"""What keeps a difference from being the same in all seeds."""

TUNED = plugin("a", "A", trials=4, space="s-a")


def moved(by: float) -> list[float]:
    return [score + by + step for score, step in zip(BASE, STEPS, strict=True)]


def board_of(*groups):
    (table, *_) = build([one for group in groups for one in group])
    return table.boards[0]


def stopped(records, epoch, epochs=10):
    """The records, which kept this epoch of those that they might train."""
    return [one.model_copy(update={"best_epoch": {"train": epoch}}) for one in records]


def with_influence(records, size):
    own = size / 16 * np.resize([1.0, -1.0], 256)
    sums = {task: encoded(own) for task in ("click", "pay")}
    return [one.model_copy(update={"influence": Influence(unit="session", sums=sums)}) for one in records]


def test_a_method_that_beats_the_baseline_is_named_with_amount_and_certainty():
    said = verdict(board_of(runs("PLE", BASE), runs("A-PLE", moved(0.001))))
    assert said == (
        "A-PLE beats Constant in click (AUC +0.0010 ± 0.0000) and pay (AUC +0.0010 ± 0.0000). Each of these has "
        "p < .05 over 8 paired seeds (± is its 95 % interval), all 2 comparisons taken together; another test sample "
        "might give another result."
    )


def test_a_method_that_is_worse_is_named_as_such_and_never_as_better():
    said = verdict(board_of(runs("PLE", BASE), runs("A-PLE", moved(-0.001))))
    assert said.startswith("A-PLE is worse than Constant in click (AUC −0.0010 ± 0.0000)")
    assert "beats" not in said


def test_better_in_one_task_and_worse_in_another_are_both_said():
    up, down = moved(0.001), moved(-0.001)
    mixed = [
        record(
            "A-PLE", seed=i, metrics={"test": {**scores(up[i], tasks=("click",)), **scores(down[i], tasks=("pay",))}}
        )
        for i in range(SEEDS)
    ]
    said = verdict(board_of(runs("PLE", BASE), mixed))
    assert "A-PLE beats Constant in click (AUC +0.0010 ± 0.0000). A-PLE is worse than Constant in pay (AUC" in said


@pytest.mark.parametrize(("size", "claimed"), [(0.0001, True), (0.05, False)])
def test_a_claim_needs_the_test_samples_too(size, claimed):
    said = verdict(board_of(with_influence(runs("PLE", BASE), 0), with_influence(runs("A-PLE", moved(0.001)), size)))
    assert ("beats" in said) == claimed
    assert ("No method is told apart from Constant." in said) != claimed
    assert "a 95 % interval over test samples without 0" in said


def test_one_group_of_test_rows_says_nothing_of_other_test_samples():
    influence = Influence(unit="user", sums=dict.fromkeys(("click", "pay"), encoded(np.zeros(1))))
    groups = [
        [one.model_copy(update={"influence": influence}) for one in records]
        for records in (runs("PLE", BASE), runs("A-PLE", moved(0.001)))
    ]
    board = board_of(*groups)
    assert "A-PLE beats Constant" in verdict(board)
    assert verdict(board).endswith("; another test sample might give another result.")
    assert claims([board])[0].endswith("no error over test samples, as where the test split is one user.")


@pytest.mark.parametrize("seeds", [1, 5])
def test_few_seeds_claim_nothing_however_large_the_difference(seeds):
    said = verdict(board_of(runs("PLE", BASE[:seeds]), runs("A-PLE", moved(0.2)[:seeds])))
    assert "cannot show a difference to the baseline, whatever it is: p < .05 takes 6 seeds." in said
    assert "beats" not in said


def test_several_methods_are_counted_and_the_best_ranks_named():
    groups = [runs(f"{name}-PLE", moved(0.001 * (i + 1))) for i, name in enumerate("ABCD")]
    said = verdict(board_of(runs("PLE", BASE), *groups))
    assert said.startswith("4 methods beat Constant: D-PLE in click (AUC +0.0040")
    assert "; C-PLE in click" in said
    assert "; 2 more, which the table marks." in said
    assert "B-PLE" not in said


def test_more_training_is_said_with_the_claim():
    longer = runs("A-PLE", moved(0.001), spend=((200, 2000, 3.0),))
    assert "with 2.0 times the steps. Each" in verdict(board_of(runs("PLE", BASE), longer))


def test_two_baselines_are_told_apart():
    tuned = [one.model_copy(update={"tuned_baseline": True}) for one in runs("Tuned-PLE", moved(0.001))]
    noise = [0.001 + (-1) ** i * 1e-4 for i in range(SEEDS)]
    close = [score + step for score, step in zip(BASE, noise, strict=True)]
    said = verdict(board_of(runs("PLE", BASE), tuned, runs("A-PLE", close)))
    assert said.startswith("2 methods beat Constant: ")
    assert "No method is told apart from Tuned." in said


def test_what_was_cut_off_is_said():
    base, ahead = runs("PLE", BASE), runs("A-PLE", moved(0.001))
    assert "cut off" not in verdict(board_of(stopped(base, 9), stopped(ahead, 9)))
    one = verdict(board_of(stopped(base, 9), stopped(ahead, 10), stopped(runs("B-PLE", BASE), 9)))
    assert one.endswith("A-PLE was cut off at the limit of 10 epochs: more epochs may give more.")
    most = verdict(board_of(stopped(base, 10), stopped(ahead, 10)))
    assert most.endswith(
        "Every method was cut off at the limit of 10 epochs: differences are of speed, not of the result."
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (runs("PLE", BASE), "Nothing is compared: no method beside the baseline has every seed."),
        (
            [*runs("PLE", BASE), *runs("A-PLE", BASE[:7])],
            "Nothing is compared: no method beside the baseline has every seed.",
        ),
        (
            [*runs("PLE", BASE), *runs("A-PLE", BASE, weighting=TUNED)],
            "Nothing is compared: no baseline was tuned as the methods were.",
        ),
        (runs("A-PLE", BASE), "Nothing is compared: no row is a baseline, such as constant weights."),
        ([*runs("PLE", BASE[:7]), *runs("A-PLE", BASE)], "Nothing is compared: Constant lacks seeds."),
        ([record("PLE", status="failed", reason="x")], "No cell has scores."),
    ],
)
def test_no_comparison_has_its_reason(records, said):
    assert verdict(board_of(records)) == said


def test_several_boards_have_a_line_each_behind_their_titles():
    first, second = runs("PLE", BASE), runs("PLE", BASE, dataset="other", dataset_label="Other", fingerprint="e" * 64)
    tables = build([*first, *second])
    lines = verdicts([board for table in tables for board in table.boards])
    assert [line.partition(": ")[0] for line in lines] == ["Other", "Synthetic"]


# -- the main table on a screen ---------------------------------------------------------------------------------------


def screen(records, width=100, plainly=False):
    console = Console(width=width, color_system=None)
    tables = build(records)
    with console.capture() as captured:
        console.print(to_plain(tables) if plainly else to_screen(tables, width))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_one_grid_of_the_primary_metrics_that_fits(width):
    lines = screen([*runs("PLE", BASE), *runs("A-PLE", moved(0.001))], width)
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("Method") for line in lines) == 1
    [row] = [line.split() for line in lines if line.startswith("A-PLE")]
    assert sum(cell.startswith("0.701") and "*" in cell for cell in row) == 2
    assert not any("Logloss" in line for line in lines)


def test_a_narrow_screen_leaves_out_intervals_before_differences():
    records = [*runs("PLE", BASE), *runs("A-PLE", moved(0.001))]
    wide, narrow, narrowest = (" ".join(screen(records, width)) for width in (100, 48, 36))
    assert [("0.7014(2)*" in text, "+0.0010" in text) for text in (wide, narrow, narrowest)] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def test_gaps_and_flags_are_notes_of_their_own():
    failed = [record("B-PLE", seed=i, status="failed", reason="the loss is NaN") for i in range(SEEDS)]
    lines = screen([*stopped(runs("PLE", BASE), 10), *stopped(runs("A-PLE", moved(0.001)), 10), *failed])
    assert "- Cut off at the last epoch allowed: all." in lines
    assert any(line.startswith("- B-PLE: seeds 0, 1, 2, 3, 4, 5, 6, 7 failed: the loss is NaN.") for line in lines)


def test_bold_is_explained_where_it_shows():
    records = [*runs("PLE", BASE), *runs("A-PLE", moved(0.001))]
    assert any("Bold is the best" in line for line in screen(records))
    assert not any("Bold" in line for line in screen(records, plainly=True))


def test_a_row_of_plain_text_is_a_line_however_long_its_name():
    long = runs("A-PLE", moved(0.001), weighting=plugin("a", "A", words="long " * 30))
    lines = screen([*runs("PLE", BASE), *long], width=1000, plainly=True)
    [row] = [line for line in lines if "long long" in line]
    assert row.startswith("A-PLE [words=long long")
    assert "0.7014(2)*" in row


def test_the_papers_layout_keeps_its_shape():
    records = [*runs("PLE", BASE), *runs("A-PLE", moved(0.001), weighting=plugin("a", "A"))]
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(to_screen(build(records, "paper")))
    assert "Dataset" in captured.get()
    assert "Rank and Spend" not in captured.get()
