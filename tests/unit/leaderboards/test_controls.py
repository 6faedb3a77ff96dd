"""A method beside its controls: which rows, which numbers, and what is said of them."""

import pytest
from record_factory import plugin, runs
from rendered_pages import meant, rendered

from mtlbench.leaderboards import build, to_markdown
from mtlbench.leaderboards.boards.controls import control_differences
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record
from mtlbench.statistics import holm, paired_difference

BASE = [0.700, 0.702, 0.701, 0.703, 0.699, 0.700]


def study(gain: float, spread: float = 0.0005) -> list[Record]:
    """``Mine-PLE``, which is ``gain`` above PLE, and two controls of it: equal to PLE, and half as good."""
    mine = [auc + gain + spread * (seed % 3 - 1) for seed, auc in enumerate(BASE)]
    half = [auc + gain / 2 for auc in BASE]
    plain, weak, own = runs("PLE", BASE), runs("Weak-PLE", half), runs("Mine-PLE", mine)
    controlled = [
        record.model_copy(update={"controls": [weak[seed].cell, plain[seed].cell, "f" * 64]})
        for seed, record in enumerate(own)
    ]
    return [*plain, *weak, *controlled]


def table(records: list[Record]):
    (found,) = (one for one in build(records) if one.title == "Synthetic: Mine-PLE against its controls")
    return found


def test_the_table_has_the_controls_on_the_board_in_the_methods_own_order():
    found = table(study(0.01))
    assert [line.labels[0].text for line in found.lines] == ["Weak-PLE", "PLE"]
    assert [(head.group, head.name) for head in found.heads] == [
        ("click", "AUC difference"),
        ("click", "p"),
        ("pay", "AUC difference"),
        ("pay", "p"),
    ]


def test_a_tuned_row_that_reports_the_cells_of_a_control_is_no_control():
    records = study(0.01)
    tuned = {"baseline": False, "weighting": plugin("constant", "Constant", trials=3, space="a-b")}
    reported = [record.model_copy(update=tuned) for record in records if record.method == "PLE"]
    found = table([*records, *reported])
    assert [line.labels[0].text for line in found.lines] == ["Weak-PLE", "PLE"]


def test_differences_are_paired_and_p_values_adjusted_over_controls_and_tasks():
    records = study(0.01)
    (board,) = boards(records)
    rows = {row.method: row for row in board.rows}
    found = control_differences(rows["Mine-PLE"], [rows["Weak-PLE"], rows["PLE"]], board)
    mine = [record.metrics["test"]["click"]["auc"] for record in records if record.method == "Mine-PLE"]
    weak = [record.metrics["test"]["click"]["auc"] for record in records if record.method == "Weak-PLE"]
    raw = [paired_difference(mine, other).p for other in (weak, weak, BASE, BASE)]
    assert [one.p for one in found] == pytest.approx(holm(raw))
    assert found[0].difference.estimate == paired_difference(mine, weak).estimate


def test_a_method_that_beats_every_control_is_told_so_with_the_hardest_one():
    text = " ".join(table(study(0.01)).caption)
    assert "click: for Mine-PLE. It is better than each of its 2 controls, least so than Weak-PLE: +0.0050 [" in text


def test_a_method_that_equals_a_control_is_told_which():
    text = " ".join(table(study(0.0)).caption)
    assert "click: not for Mine-PLE. It is not shown to be better than " in text
    assert "it is better than 0 of its 2 controls" in text


def test_a_method_that_is_worse_is_told_so():
    text = " ".join(table(study(-0.01)).caption)
    assert "It is worse than PLE: -0.0100 [" in text


def test_seeds_that_only_one_of_them_has_do_not_count():
    records = [record for record in study(0.01) if not (record.method == "Weak-PLE" and record.seed > 2)]
    assert "over 3 to 6 paired seeds" in table(records).caption[0]
    alone = [record for record in study(0.01) if not (record.method == "Weak-PLE" and record.seed > 0)]
    assert [line.labels[0].text for line in table(alone).lines] == ["PLE"]


def test_without_control_rows_there_is_no_table():
    records = [record for record in study(0.01) if record.method == "Mine-PLE"]
    assert len(build(records)) == 1


def test_a_page_shows_them():
    tables = build(study(0.01))
    assert list(rendered(to_markdown(tables))) == list(meant(tables, "Leaderboard"))
    assert any("controls" in table.title for table in tables)


def test_a_row_that_kept_what_it_started_from_says_so():
    records = [
        record.model_copy(update={"best_epoch": {"continue": 0 if record.seed < 4 else 2}})
        for record in runs("Mine-PLE", BASE)
    ]
    (found,) = build(records)
    assert "In 4 of 6 seeds the last stage of training never improved" in found.notes[0][1]
    (found,) = build([record.model_copy(update={"best_epoch": {"train": 3}}) for record in runs("PLE", BASE)])
    assert not found.notes


def test_rows_of_which_the_same_is_said_share_a_note():
    records = [
        record.model_copy(update={"best_epoch": {"continue": 0 if record.seed < kept else 2}})
        for method, kept in (("Mine-PLE", 4), ("Mine [a=1, b=2]-PLE", 6), ("Other-PLE", 4))
        for record in runs(method, [score + len(method) / 1e3 for score in BASE])
    ]
    tables = build(records)
    (found,) = tables
    assert [(mark, note.partition(": ")[0]) for mark, note in found.notes] == [
        ("¹", "Mine-PLE, Other-PLE"),
        ("²", "Mine [a=1, b=2]-PLE"),
    ]
    assert {line.labels[0].text for line in found.lines} == {"Mine-PLE¹", "Other-PLE¹", "Mine [a=1, b=2]-PLE²"}
    shown = [text for kind, text in rendered(to_markdown(tables)) if kind == "item"]
    assert shown == [f"{mark} {note}" for mark, note in found.notes]
