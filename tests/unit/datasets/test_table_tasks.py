"""Tasks of every kind in a user's own table: their labels, and the rows in which they are observed."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mixed_tables import MIXED, mixed_table, write_mixed_table

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets import _table_files, _table_parquet
from mtlbench_plugins.datasets._table_description import read_schema
from mtlbench_plugins.datasets._table_tasks import Condition, parse_condition
from mtlbench_plugins.datasets.table import Table

NOWHERE = Path("not read")
STARS = '{ name = "stars", column = "rating", kind = "real", observed = "rated == 1" }'


def load(folder: Path, description: str = MIXED, frame: pd.DataFrame | None = None) -> api.Log:
    return Table(Table.Params(schema_=write_mixed_table(folder, description, frame))).load(NOWHERE)


def with_stars(task: str) -> str:
    assert STARS in MIXED
    return MIXED.replace(STARS, task)


def test_a_table_of_every_kind_becomes_tasks_of_those_kinds(tmp_path: Path) -> None:
    log, frame = load(tmp_path), mixed_table()
    assert log.described_tasks == (
        api.Task("click"),
        api.Task("watch", "nonnegative"),
        api.Task("mood", "real"),
        api.Task("stars", "real", observed="rated == 1"),
    )
    assert log.frame["click"].dtype == np.int8
    np.testing.assert_array_equal(log.frame["watch"], frame["seconds"])
    np.testing.assert_array_equal(log.frame["mood"], frame["mood"])
    np.testing.assert_array_equal(log.frame["stars"], frame["rating"])
    assert 0.1 < log.frame["stars"].notna().mean() < 0.6
    assert not {"rated", "rating", "seconds"} & {*log.categorical, *log.numerical, *log.frame}


CONDITIONS = {
    "rated": lambda frame: frame["rated"] == 1,
    "rated == 1": lambda frame: frame["rated"] == 1,
    "rated==1": lambda frame: frame["rated"] == 1,
    "rated != 0": lambda frame: frame["rated"] == 1,
    "rated > 0.5": lambda frame: frame["rated"] == 1,
    "rating >= 3": lambda frame: frame["rating"] >= 3,
    "rating < 3": lambda frame: frame["rating"] < 3,
    "rating <= 3": lambda frame: frame["rating"] <= 3,
    "rating != 3": lambda frame: frame["rating"].notna() & (frame["rating"] != 3),
    "rating is given": lambda frame: frame["rating"].notna(),
    "opinion == 'two words'": lambda frame: frame["rated"] == 1,
    'opinion == "two words"': lambda frame: frame["rated"] == 1,
    "opinion is given": lambda frame: frame["rated"] == 1,
    "vip": lambda frame: frame["rated"] == 1,
    "vip == true": lambda frame: frame["rated"] == 1,
    "vip != false": lambda frame: frame["rated"] == 1,
}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_says_where_a_label_is_observed(text: str, suffix: str, tmp_path: Path) -> None:
    frame = mixed_table()
    frame["vip"] = frame["rated"] == 1
    frame["opinion"] = np.where(frame["rated"] == 1, "two words", None)
    description = with_stars(f"{{ name = 'stars', column = 'mark', kind = 'real', observed = '''{text}''' }}")
    frame["mark"] = np.arange(len(frame)) / 7
    path = write_mixed_table(tmp_path, description.replace("mixed.csv", f"mixed.{suffix}"), frame)
    frame.to_parquet(tmp_path / "mixed.parquet")
    found = Table(Table.Params(schema_=path)).load(NOWHERE).frame["stars"]
    expected = frame["mark"].where(CONDITIONS[text](frame))
    np.testing.assert_allclose(found, expected)
    assert 0 < found.isna().sum() < len(frame)


NO_CONDITIONS = """
rated = 1|rated ==|== 1|rated == 1 and x < 2|rated == 1 or vip|rated == gold|a < 'b'|a > true|rated == nan|rated == inf
a == b == c|!|rated === 1|rated =! 1|1 < rated < 3
""".replace("\n", "|").split("|")


@pytest.mark.parametrize("text", NO_CONDITIONS[:-1])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COLUMN is given"):
        parse_condition(text)


def test_a_condition_is_never_run_as_code() -> None:
    assert parse_condition("__import__('os').abort()") == Condition(
        "__import__('os').abort()", "__import__('os').abort()"
    )


def test_what_stands_where_a_label_is_not_observed_does_not_matter(tmp_path: Path) -> None:
    expected = build(load(tmp_path), "table", "key")
    for placeholder in (-1.0, 0.0, 1e9):
        frame = mixed_table().fillna({"rating": placeholder})
        splits = build(load(tmp_path, frame=frame), "table", "key")
        for part, split in splits.parts().items():
            np.testing.assert_array_equal(split.labels, expected.parts()[part].labels)


def test_a_task_within_another_is_observed_where_that_happened_alone(tmp_path: Path) -> None:
    frame = mixed_table()
    frame.loc[frame["click"] == 0, "seconds"] = -5.0
    within = MIXED.replace('kind = "nonnegative"', 'kind = "nonnegative", after = "click", within = true')
    log = load(tmp_path, within, frame)
    np.testing.assert_array_equal(log.frame["watch"], frame["seconds"].where(frame["click"] == 1))
    splits = build(log, "table", "key")
    assert splits.schema.tasks[1] == api.Task("watch", "nonnegative", after="click", within=True)
    assert "labels are missing" not in " ".join(splits.warnings)


def test_a_stage_may_stand_before_the_one_it_is_within(tmp_path: Path) -> None:
    tasks = '[{ name = "stars", column = "rated", after = "click", within = true }, "click"]'
    description = re.sub(r"tasks = \[\n.*?\n\]", f"tasks = {tasks}", MIXED, flags=re.DOTALL)
    frame = mixed_table()
    found = load(tmp_path, description).frame["stars"]
    np.testing.assert_array_equal(found, frame["rated"].where(frame["click"] == 1).astype(float))


def test_a_rule_may_be_observed_in_part(tmp_path: Path) -> None:
    log = load(
        tmp_path, with_stars('{ name = "liked", column = "rating", at_least = 4, observed = "rating is given" }')
    )
    frame = mixed_table()
    expected = (frame["rating"] >= 4).astype(float).where(frame["rating"].notna())
    np.testing.assert_array_equal(log.frame["liked"], expected)
    assert "no_value_is_0.liked" not in log.facts


def test_parameters_of_a_kind_reach_the_task(tmp_path: Path) -> None:
    log = load(tmp_path, with_stars(STARS.replace(" }", ', params = { loss = "huber", delta = 2 } }')))
    assert log.described_tasks[3].params == {"loss": "huber", "delta": 2}


def test_said_gaps_are_facts_and_no_warning(tmp_path: Path) -> None:
    splits = build(load(tmp_path), "table", "key")
    share = float(splits.train.labels[:, 3].isnan().float().mean())
    assert splits.facts["observed.train.stars"] == pytest.approx(1 - share)
    assert "labels are missing" not in " ".join(splits.warnings)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_blocks_give_what_one_block_gives(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load(tmp_path)
    mixed_table().to_parquet(tmp_path / "mixed.parquet")
    (tmp_path / "mixed.toml").write_text(MIXED.replace("mixed.csv", f"mixed.{suffix}"))
    monkeypatch.setattr(_table_files, "CSV_BLOCK", 1 << 11)
    monkeypatch.setattr(_table_parquet, "PARQUET_BLOCK", 40)
    found = Table(Table.Params(schema_=tmp_path / "mixed.toml")).load(NOWHERE)
    for name in expected.task_names:
        np.testing.assert_array_equal(found.frame[name], expected.frame[name])
        assert found.frame[name].dtype == expected.frame[name].dtype


@pytest.mark.parametrize(
    ("tasks", "chain"),
    [
        ('["click", "rated"]', True),
        ('["click", "rated"]\nrelation = "funnel"', True),
        ('["click", "rated"]\nrelation = "parallel"', False),
        ('["click", { name = "rated", after = "click" }]', True),
        ('["click", { name = "watch", column = "seconds", kind = "nonnegative" }]', False),
    ],
)
def test_plain_tasks_are_a_funnel_unless_it_is_said_otherwise(tasks: str, chain: bool, tmp_path: Path) -> None:
    description = re.sub(r"tasks = \[\n.*?\n\]", f"tasks = {tasks}", MIXED, flags=re.DOTALL)
    assert build(load(tmp_path, description), "table", "key").schema.chain is chain


def test_columns_that_say_where_a_label_is_observed_are_read(tmp_path: Path) -> None:
    assert {"rated", "rating", "seconds"} <= set(read_schema(write_mixed_table(tmp_path)).columns())


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            '"click", { name = "bought", column = "click", within = true }',
            "task 'bought' is within a task that it does not name: say which one by `after`",
        ),
        (
            '"click", { name = "bought", column = "click", params = { loss = "huber" } }',
            "task 'bought': task kind binary: unknown parameter 'loss'",
        ),
        (
            '"click", { name = "watch", column = "seconds", kind = "nonnegative", params = { power = 3 } }',
            "task 'watch': task kind nonnegative: power = 3",
        ),
    ],
)
def test_what_a_plain_task_cannot_have_is_refused_and_not_left_out(tasks: str, message: str, tmp_path: Path) -> None:
    description = re.sub(r"tasks = \[.*?\n\]", f"tasks = [{tasks}]", MIXED, flags=re.DOTALL)
    assert tasks in description
    with pytest.raises(api.MtlbenchError, match=re.escape(message)):
        build(load(tmp_path, description), "table", "key")
