"""Boards of six tasks of mixed kinds: one primary metric per task, each in its own direction and digits."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from record_factory import SIX_TASKS, mixed, mixed_scores, plugin, record, runs
from rich.console import Console

from mtlbench.figures.everything import draw_all
from mtlbench.figures.heatmap import draw_heatmap
from mtlbench.leaderboards import board_scores, build, compare, parse_page, summary, to_latex, to_markdown, to_rich
from mtlbench.leaderboards.boards.columns import TABLE_METRICS
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.standing import FrontArea, front_area
from mtlbench.leaderboards.comparing.tables import comparison_tables
from mtlbench.leaderboards.formats.page import edits
from mtlbench.leaderboards.tables.layout import sorted_rows
from mtlbench.records import Epoch, RecordStore
from mtlbench.reports import content
from mtlbench.verification.changes import changed_scores
from mtlbench.verification.folders import Stored
from mtlbench.verification.selections import selected

BASE, GOOD, BAD = (0.70, 0.71, 0.69), (0.75, 0.76, 0.735), (0.60, 0.615, 0.61)


def study(**settings):
    single = plugin("single-task", "Single Task")
    return [
        *mixed("Single Task", BASE, backbone=single, reference=True, **settings),
        *mixed("Good-Single Task", GOOD, backbone=single, **settings),
        *mixed("Bad-Single Task", BAD, backbone=single, **settings),
        *mixed("RMTL-A backbone of a rather long name", BASE, **settings),
    ]


def only(records):
    (board,) = boards(records)
    return board


def terminal(records):
    console = Console(width=100, file=io.StringIO(), legacy_windows=False)
    console.print(to_rich(build(records), 100))
    return console.file.getvalue()


def test_the_main_table_has_a_primary_metric_per_task_and_its_difference_in_blocks_of_100_columns():
    text = terminal(study())
    assert max(map(len, text.splitlines())) <= 100
    main = text[: text.index("all metrics")]
    heads = [line for line in main.splitlines() if line.startswith("Method")]
    assert [line.split() for line in heads] == [
        ["Method", "Rank", "Δm", "%", *["AUC", "vs", "Constant"] * 2],
        ["Method", *["AUC", "vs", "Constant"] * 2, "XAUC", "vs", "Constant"],
        ["Method", "XAUC", "vs", "Constant"],
    ]
    assert all(word in main for task in SIX_TASKS for word in task.split("_"))


def test_the_markdown_page_folds_the_other_metrics_below_one_main_table():
    page = to_markdown(build(study()))
    above, folded, below = page.partition("<details>\n<summary>Synthetic: all metrics</summary>")
    assert folded
    tables = [line for line in above.splitlines() if line.startswith("|")]
    assert len(tables) == 3 * (2 + 4)  # of two tasks, of three and of one
    assert "RMSE |" in below
    assert "RMSE |" not in above
    assert below.index("</details>") < below.index("### Rank and Spend")
    assert list(edits(page, parse_page(page, "it"))) == []


def test_columns_are_the_tabulated_metrics_that_records_have_the_primary_one_first():
    found = only(study()).columns
    assert found[:3] == (("click", "auc"), ("click", "logloss"), ("click", "s_logloss"))
    assert found[-6:] == tuple(("rating", key) for key in ("xauc", "rmse", "mae", "r2", "loss", "s_loss"))
    without_sessions = {task: {"auc": 0.7, "logloss": 0.5, "average_precision": 0.2} for task in ("click", "pay")}
    board = only([record("PLE", metrics={"test": without_sessions})])
    assert board.columns == tuple((task, key) for task in ("click", "pay") for key in ("auc", "logloss"))


def test_two_binary_tasks_keep_one_table_with_rank_over_all_columns():
    (table, *_) = build(runs("PLE", [0.7, 0.8]))
    assert table.details is None
    assert [head.name for head in table.heads] == ["AUC", "Logloss", "s-Logloss"] * 2


@pytest.mark.parametrize("primary", ["xauc", "rmse"])
def test_ranks_delta_m_front_and_marks_follow_each_metrics_own_direction(primary: str):
    board = only(study(primary=primary))
    rows = {row.method: row for row in board.rows}
    assert rows["Good-Single Task"].rank == 1
    assert rows["Bad-Single Task"].rank == 4
    assert rows["Good-Single Task"].delta_m.mean > 0 > rows["Bad-Single Task"].delta_m.mean
    assert [row.method for row in board.rows if row.pareto] == ["Good-Single Task"]
    assert rows["Good-Single Task"].values["watch_time", "rmse"].best
    assert not rows["Bad-Single Task"].values["watch_time", "rmse"].best
    assert next(iter(sorted_rows(board, "watch_time.rmse"))).method == "Good-Single Task"


def test_delta_m_is_over_primary_metrics_alone():
    board = only(study(primary="rmse"))
    good = next(row for row in board.rows if row.method == "Good-Single Task")
    wanted = [
        100 * (4 * (own - base) / base + 2 * ((1 - base) - (1 - own)) / (1 - base)) / 6
        for own, base in zip(GOOD, BASE, strict=True)
    ]
    assert good.delta_m.seeds == pytest.approx(wanted)


def test_the_front_of_six_tasks_has_a_volume_above_chance_and_one_with_rmse_has_none():
    board = only(study())
    best = 0.7483 - 0.5
    assert front_area(board.rows, board.primaries) == FrontArea(pytest.approx(best**6), 0.5**6, (0.5,) * 6)
    text = to_markdown(build(study()))
    share = f"{100 * best**6 / 0.5**6:.1f} %"
    assert f"which covers {share} of what lies above chance (.5, .5, .5, .5, .5, .5)" in text
    assert "Pareto: on the front of the tasks' AUC and XAUC," in text
    other = only(study(primary="rmse"))
    assert front_area(other.rows, other.primaries) is None
    assert "Pareto: on the front of the tasks' AUC and RMSE." in to_markdown(build(study(primary="rmse")))


def test_a_metric_in_the_labels_unit_has_digits_for_its_size_the_same_in_the_whole_column():
    board = only(study())
    texts = {row.method: row.values["watch_time", "rmse"].text for row in board.rows}
    assert texts["Single Task"] == "703.70"
    assert texts["Bad-Single Task"] == "918.72"
    assert {row.values["click", "auc"].decimals for row in board.rows} == {4}


def test_the_caption_explains_metrics_and_their_directions():
    caption = " ".join(build(study())[0].caption)
    assert (
        "XAUC (the share of pairs of rows with different labels that are in the right order; .5 is chance)" in caption
    )
    higher, lower = caption.index("R2 ("), caption.index("RMSE (")
    assert higher < caption.index(": higher is better") < lower < caption.index(": lower is better")


def test_a_row_worse_than_the_base_rate_has_a_note_that_names_the_task():
    scores = mixed_scores(0.7)
    scores["long_view"]["normalised_entropy"] = 1.25
    bad = record(
        "Bad-PLE", tasks=tuple(SIX_TASKS), kinds=SIX_TASKS, metrics={"test": scores}, primary={"watch_time": "xauc"}
    )
    (table,) = [table for table in build([bad]) if table.boards]
    assert table.notes == (
        ("¹", "Bad-PLE: Worse than the base rate, by a normalised entropy over 1, in long_view (1.2500)."),
    )
    assert build(study())[0].notes == ()


def test_a_comparison_judges_a_lower_is_better_metric_by_its_direction():
    mine = [board_scores(only(mixed("PLE", [0.8, 0.81, 0.79, 0.805], primary="rmse")))]
    reference = [board_scores(only(mixed("PLE", [0.6, 0.61, 0.605, 0.61], primary="rmse")))]
    found = compare(mine, reference)
    (pair,) = found.boards[0].aligned
    assert {cell.verdict for cell in pair.cells.values()} == {"better"}
    assert [compare(reference, mine).boards[0].aligned[0].verdict] == ["worse"]
    (table,) = comparison_tables(found)
    (line,) = table.lines
    cells = dict(zip(((head.group, head.name) for head in table.heads), line.cells, strict=True))
    assert cells["watch_time", "RMSE"].text == "−457.41"


def test_every_format_has_every_task_and_metric():
    board = only(study())
    frame = summary([board])
    assert {*zip(frame["task"], frame["metric"], strict=True)} == set(board.columns)
    latex = to_latex(build(study()))
    assert all(text in latex for text in ("all metrics", "RMSE", r"comment\_open"))


def test_records_read_for_tables_give_the_same_page(tmp_path: Path):
    store = RecordStore(tmp_path)
    for one in study():
        store.write(one, f"cell.{one.cell[:12]}")
    assert to_markdown(build(store.read_for_tables(TABLE_METRICS))) == to_markdown(build(store.read_all()))


def test_the_report_knows_primary_metrics_and_directions():
    found = json.loads(json.dumps(content(study(primary="rmse"))))
    assert found["boards"][0]["primary"] == ["auc"] * 4 + ["rmse"] * 2
    lower = {metric["name"]: metric["lower"] for metric in found["metrics"]}
    assert [lower[name] for name in ("rmse", "auc", "r2")] == [True, False, False]


def test_more_than_two_tasks_have_a_heat_map(tmp_path: Path):
    names = {path.name for path in draw_all(study(), tmp_path)}
    assert {"heatmap.svg", "tradeoff.svg"} <= names
    text = (tmp_path / "heatmap.svg").read_text()
    assert all(word in text for word in ("watch_time", "XAUC", "Good-Single Task"))
    assert "heatmap.svg" not in {path.name for path in draw_all(runs("PLE", [0.7, 0.8]), tmp_path / "two")}


def test_the_heat_map_marks_what_the_board_claims(tmp_path: Path):
    single = plugin("single-task", "Single Task")
    base = [0.7 + 0.01 * seed for seed in range(8)]
    records = [
        *mixed("Single Task", base, backbone=single, reference=True),
        *mixed("Good-Single Task", [score + 0.05 for score in base], backbone=single),
        *mixed("Even-Single Task", base[::-1], backbone=single),
    ]
    [board] = contrasted(boards(records))
    claimed = [contrast for contrast in board.tested if contrast.verdict == "better"]
    assert len(claimed) == 6
    draw_heatmap(records, tmp_path / "heatmap.svg")
    text = (tmp_path / "heatmap.svg").read_text()
    assert "claimed: * better" in text
    assert text.count(">*<") == 6


def test_a_cell_run_again_is_compared_in_the_metrics_that_its_record_has():
    old, now = (
        record("PLE", metrics={"test": {"click": dict(scores)}}, tasks=("click",))
        for scores in (
            {"auc": 0.7, "logloss": 0.5, "s_logloss": 0.4},
            {"auc": 0.7, "logloss": 0.6, "average_precision": 0.3},
        )
    )
    assert [change.name for change in changed_scores(old, now)] == ["test click Logloss"]
    lost = record("PLE", metrics={"test": {"click": {"logloss": 0.5}}}, tasks=("click",))
    assert [change.name for change in changed_scores(old, lost)] == ["test click AUC"]


def test_reading_records_and_making_tables_needs_no_torch():
    rooms = "mtlbench.leaderboards.publishing, mtlbench.reports, mtlbench.figures"
    code = f"import sys, {rooms}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def learning(kept: int, rmse: list[float]):
    """A cell with a curve of these validation RMSEs of its one task that says it kept epoch ``kept``."""
    scores = {"rating": {"rmse": rmse[kept - 1]}}
    one = record(
        "PLE",
        tasks=("rating",),
        kinds={"rating": "real"},
        primary={"rating": "rmse"},
        metrics={"validation": scores, "test": scores},
    )
    curve = [
        Epoch(stage="all", epoch=i, train_loss={"rating": 1.0}, validation={"rating": value}, weights=None)
        for i, value in enumerate(rmse, start=1)
    ]
    return Stored(Path("cell.json"), one.model_copy(update={"curve": curve, "best_epoch": {"all": kept}}))


def test_the_epoch_kept_is_the_best_in_the_primary_metrics_own_direction():
    assert list(selected([learning(2, [3.0, 2.0, 2.5])])) == []
    (finding,) = selected([learning(1, [3.0, 2.0, 2.5])])
    assert "it kept epoch 1 of stage all, of mean validation -RMSE -3.000000, but epoch 2 has -2.000000" in finding.text
