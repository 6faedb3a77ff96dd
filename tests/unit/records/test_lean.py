"""Lean records: all that tables show, and little else."""

from pathlib import Path

from many_records import many_records, write_many

from mtlbench.leaderboards import build, to_markdown
from mtlbench.records import RecordStore


def test_tables_of_lean_records_are_those_of_whole_ones(tmp_path: Path) -> None:
    write_many(tmp_path, 600)
    store = RecordStore(tmp_path)
    assert to_markdown(build(store.read_for_tables())) == to_markdown(build(store.read_all()))


def test_what_lean_records_have_in_common_is_one_object(tmp_path: Path) -> None:
    write_many(tmp_path, 40)
    records = RecordStore(tmp_path).read_for_tables()
    assert len({id(record.dataset) for record in records}) == 1
    assert len({id(record.weighting) for record in records}) == 4


def test_heads_say_what_became_of_each_cell(tmp_path: Path) -> None:
    write_many(tmp_path, 20)
    heads = RecordStore(tmp_path).heads()
    assert {cell: head.status for cell, head in heads.items()} == {record.cell: "done" for record in many_records(20)}
