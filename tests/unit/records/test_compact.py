"""Compact records: all that tables show, and little else."""

import gc
from pathlib import Path

from many_records import many_records, write_many

from mtlbench.leaderboards import TABLE_METRICS, build, to_markdown
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record, RecordStore


def test_tables_of_compact_records_are_those_of_whole_ones(tmp_path: Path) -> None:
    write_many(tmp_path, 600)
    store = RecordStore(tmp_path)
    assert to_markdown(build(store.read_for_tables(TABLE_METRICS))) == to_markdown(build(store.read_all()))


def test_what_compact_records_have_in_common_is_one_object(tmp_path: Path) -> None:
    write_many(tmp_path, 40)
    records = RecordStore(tmp_path).read_for_tables(TABLE_METRICS)
    assert len({id(record.dataset) for record in records}) == 1
    assert len({id(record.weighting) for record in records}) == 4


def test_summaries_say_what_became_of_each_cell(tmp_path: Path) -> None:
    write_many(tmp_path, 20)
    summaries = RecordStore(tmp_path).summaries()
    assert {cell: summary.status for cell, summary in summaries.items()} == {
        record.cell: "done" for record in many_records(20)
    }


def test_of_records_that_nobody_keeps_boards_keep_one_per_row() -> None:
    def alive() -> int:
        return sum(type(thing) is Record for thing in gc.get_objects())

    before = alive()
    records = list(many_records(400))
    kept = boards(records)
    freed = boards(iter(records))
    assert kept == freed
    del records, kept
    assert alive() - before <= len({id(row.sample) for board in freed for row in board.rows}) + 1 == 41
