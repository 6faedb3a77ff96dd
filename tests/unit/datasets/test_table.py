import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import DESCRIPTION, own_table, write_own_table

from mtlbench import api
from mtlbench.data import load
from mtlbench.data.building import build
from mtlbench_plugins.datasets.table import Table
from mtlbench_plugins.weightings.rmtl import RMTL

NOWHERE = Path("not read")


def dataset(path: Path) -> Table:
    return Table(Table.Params(schema_=path))


def described(folder: Path, text: str, frame: pd.DataFrame | None = None) -> Table:
    """The table of ``frame`` under a description."""
    (own_table() if frame is None else frame).to_csv(folder / "my_log.csv", index=False)
    (folder / "my_log.toml").write_text(text)
    return dataset(folder / "my_log.toml")


def plain(log: api.Log) -> pd.DataFrame:
    """The frame with text for ids."""
    frame = pd.DataFrame({name: log.frame[name] for name in log.frame})
    return frame.astype({name: object for name in frame if frame[name].dtype == "category"})


def as_gzip(folder: Path) -> str:
    content = own_table().to_csv(index=False).encode()
    (folder / "log.csv.gz").write_bytes(gzip.compress(content))
    return "log.csv.gz"


def as_tsv(folder: Path) -> str:
    own_table().to_csv(folder / "log.tsv", index=False, sep="\t")
    return "log.tsv"


def as_parquet(folder: Path) -> str:
    own_table().to_parquet(folder / "log.parquet")
    return "log.parquet"


def as_folder(suffix: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        frame = own_table()
        for number, part in enumerate((frame[:100], frame[100:101], frame[101:])):
            path = folder / "days" / f"day={number}" / f"part{suffix}"
            path.parent.mkdir(parents=True)
            part.to_csv(path, index=False) if suffix == ".csv" else part.to_parquet(path)
        (folder / "days" / "_SUCCESS").touch()
        (folder / "days" / "_ignored.csv").write_text("not,a,table\n")
        (folder / "days" / "README.md").write_text("what these files are")
        return "days"

    return write


@pytest.mark.parametrize("write", [as_gzip, as_tsv, as_parquet, as_folder(".csv"), as_folder(".parquet")])
def test_the_same_table_in_any_form_gives_the_same_splits(write: Callable[[Path], str], tmp_path: Path) -> None:
    expected = build(dataset(write_own_table(tmp_path)).load(NOWHERE), "table", "key")
    other = described(tmp_path, DESCRIPTION.replace("my_log.csv", write(tmp_path)))
    splits = build(other.load(NOWHERE), "table", "key")
    assert splits.schema == expected.schema
    for part, split in splits.parts().items():
        for name, value in vars(split).items():
            same = vars(expected.parts()[part])[name]
            equal = value == same == () if isinstance(value, tuple) else value is None or value.equal(same)
            assert equal, (part, name)


def test_paths_start_at_the_current_folder_and_inside_the_description_at_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    write_own_table(tmp_path / "inner")
    monkeypatch.chdir(tmp_path)
    files = dataset(Path("inner/my_log.toml")).files(NOWHERE)
    assert files == [Path("inner/my_log.toml"), Path("inner/my_log.csv")]
    assert len(dataset(Path("inner/my_log.toml")).load(NOWHERE).frame) == 300


def test_what_is_loaded_is_what_was_written(tmp_path: Path) -> None:
    log = dataset(write_own_table(tmp_path)).load(NOWHERE)
    expected = own_table().reset_index(drop=True)
    found = plain(log)
    assert found["user_id"].tolist() == expected["user_id"].astype(str).tolist()
    assert found["item_id"].fillna("?").tolist() == expected["item_id"].fillna("?").tolist()
    np.testing.assert_allclose(found["price"], expected["price"])
    assert found["time"].tolist() == (expected["time"] * 1000).tolist()
    assert found[["click", "purchase"]].to_numpy().tolist() == expected[["click", "purchase"]].to_numpy().tolist()
    assert (log.timestamp, log.session, log.user) == ("time", "visit", "user_id")
    assert tuple(log.tasks) == api.funnel("click", "purchase")


def test_critics_leave_out_the_inputs_that_are_said_to_describe_the_user(tmp_path: Path) -> None:
    without_user = RMTL(RMTL.Params.model_validate({"state": "no-user"}))
    schemas = {
        names: build(described(tmp_path, DESCRIPTION + line).load(NOWHERE), "table", "key").schema
        for names, line in {(): "", ("user_id",): 'user_inputs = "user_id"\n'}.items()
    }
    assert [schema.user_inputs for schema in schemas.values()] == list(schemas)
    unsaid, said = (without_user.applicable(schema, api.Backbone) for schema in schemas.values())
    assert said is None
    assert unsaid is not None
    assert "does not say" in unsaid


def test_ids_are_compared_as_text(tmp_path: Path) -> None:
    frame = own_table().assign(item_id=["07", "7", "7.5"] * 100)
    assert set(described(tmp_path, DESCRIPTION, frame).load(NOWHERE).frame["item_id"].cat.categories) == {
        "07",
        "7",
        "7.5",
    }


@pytest.mark.parametrize(
    ("unit", "factor"), [('timestamp_unit = "ms"', 1000), ('timestamp_unit = "us"', 10**6), ("date", None)]
)
def test_a_time_means_the_same_in_every_unit(unit: str, factor: int | None, tmp_path: Path) -> None:
    frame = own_table()
    expected = (frame["time"] * 1000).tolist()
    if factor:
        frame["time"] *= factor
    else:
        frame["time"], unit = pd.to_datetime(frame["time"], unit="s"), ""
    table = described(tmp_path, DESCRIPTION.replace('timestamp_unit = "s"', unit), frame)
    assert table.load(NOWHERE).frame["time"].tolist() == expected


def test_a_date_with_a_zone_is_that_moment(tmp_path: Path) -> None:
    frame = own_table()
    frame["time"] = pd.to_datetime(frame["time"], unit="s", utc=True).dt.tz_convert("Asia/Tokyo")
    text = DESCRIPTION.replace('timestamp_unit = "s"', "")
    expected = (own_table()["time"] * 1000).tolist()
    frame["time"] = frame["time"].map(lambda moment: moment.isoformat())
    assert described(tmp_path, text, frame).load(NOWHERE).frame["time"].tolist() == expected


def test_fractions_of_a_second_keep_their_order(tmp_path: Path) -> None:
    frame = own_table()
    frame["time"] = frame["time"] + 0.25
    assert described(tmp_path, DESCRIPTION, frame).load(NOWHERE).frame["time"].mod(1000).tolist() == [250] * 300


def test_sessions_by_rule_are_those_of_user_and_pause(tmp_path: Path) -> None:
    text = DESCRIPTION.replace('session = "visit"', 'session_rule = "user-gap30m"')
    log = described(tmp_path, text).load(NOWHERE)
    frame = own_table().reset_index(drop=True)
    assert log.session is not None
    expected = api.session_ids(frame["user_id"].astype(str), frame["time"] * 1000, "user-gap30m")
    assert pd.factorize(log.frame[log.session])[0].tolist() == pd.factorize(expected)[0].tolist()


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("""{ name = "t", column = "word", equals = "yes" }""", [1, 0, 0, 1, 0]),
        ("""{ name = "t", column = "number", equals = 3 }""", [1, 0, 0, 1, 0]),
        ("""{ name = "t", column = "number", at_least = 2.5 }""", [1, 0, 1, 1, 0]),
        ("""{ name = "t", column = "truth", equals = true }""", [1, 0, 0, 1, 0]),
        ('"truth"', [1, 0, 0, 1, 0]),
        ('"float"', [1, 0, 0, 1, 0]),
    ],
)
def test_a_task_can_be_a_rule_over_a_column(task: str, expected: list[int], tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "x": range(100),
            "word": [" yes ", "no", None, "yes", "YES!"] * 20,
            "number": [3, 1, 7, 3.0, None] * 20,
            "truth": [True, False, "False", "TRUE", "false"] * 20,
            "float": ["1.0", "0", "0.0", "1", "0"] * 20,
        }
    )
    table = described(tmp_path, f'files = "my_log.csv"\ntasks = [{task}]\nnumerical = ["x"]\n', frame)
    log = table.load(NOWHERE)
    assert log.frame[log.task_names[0]].tolist() == expected * 20


def test_missing_values_are_those_that_the_description_names(tmp_path: Path) -> None:
    frame = own_table().assign(item_id=["?", "NA", "a"] * 100)
    log = described(tmp_path, DESCRIPTION + 'missing = ["?", ""]\n', frame).load(NOWHERE)
    assert log.frame["item_id"].isna().sum() == 100
    assert set(log.frame["item_id"].cat.categories) == {"NA", "a"}


def test_quoted_fields_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    frame = own_table().assign(item_id=["a, b\nc", 'say "no"', "d"] * 100)
    found = plain(described(tmp_path, DESCRIPTION, frame).load(NOWHERE))
    assert found["item_id"].tolist() == frame["item_id"].tolist()


def change_the_table(path: Path) -> None:
    table = path.with_suffix(".csv")
    table.write_text(table.read_text().replace("v0-0", "v0-9", 1))


def change_the_description(path: Path) -> None:
    path.write_text(path.read_text().replace(', "item_id"', ""))


@pytest.mark.parametrize("change", [change_the_table, change_the_description])
def test_the_cache_notices_what_changed(change: Callable[[Path], None], tmp_path: Path, cache_dir: Path) -> None:
    path = write_own_table(tmp_path)
    before = load(dataset(path), NOWHERE, cache_dir)
    os.utime(path.with_suffix(".csv"))
    assert load(dataset(path), NOWHERE, cache_dir).fingerprint == before.fingerprint
    change(path)
    assert load(dataset(path), NOWHERE, cache_dir).fingerprint != before.fingerprint


def test_the_cache_notices_a_file_added_to_the_folder(tmp_path: Path, cache_dir: Path) -> None:
    path = write_own_table(tmp_path, DESCRIPTION.replace("my_log.csv", as_folder(".csv")(tmp_path)))
    before = load(dataset(path), NOWHERE, cache_dir)
    own_table()[:50].to_csv(tmp_path / "days" / "one more.csv", index=False)
    after = load(dataset(path), NOWHERE, cache_dir)
    assert (before.facts["rows"], after.facts["rows"]) == (300, 350)
    assert after.fingerprint != before.fingerprint


def test_nothing_of_the_table_is_decided_by_how_it_is_cut_into_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plain(dataset(write_own_table(tmp_path)).load(NOWHERE))
    monkeypatch.setattr("mtlbench_plugins.datasets._table_files.CSV_BLOCK", 500)
    pd.testing.assert_frame_equal(plain(dataset(tmp_path / "my_log.toml").load(NOWHERE)), whole)
    own_table().assign(price=["1"] * 250 + ["cheap"] * 50).to_csv(tmp_path / "my_log.csv", index=False)
    with pytest.raises(api.DataError, match="'cheap' in row 252"):
        dataset(tmp_path / "my_log.toml").load(NOWHERE)


def test_all_leaves_it_out_but_a_list_takes_it(tmp_path: Path) -> None:
    from mtlbench.config.specs import resolve_texts
    from mtlbench.discovery import discover

    def names(*texts: str) -> Any:
        return [resolved.entry.name for resolved in resolve_texts(discover(), "dataset", texts, "quick")]

    assert "table" not in names("all")
    assert "table" in names("all", "table[schema=my_log.toml]")


def test_numbers_that_are_binned_are_a_field_beside_the_ids(tmp_path: Path) -> None:
    text = DESCRIPTION.replace('numerical = ["price"]', "binned = { price = 4 }\nuser_inputs = ['price']")
    splits = build(described(tmp_path, text).load(NOWHERE), "table", "key")
    assert [field.name for field in splits.schema.categorical] == ["user_id", "item_id", "price"]
    assert splits.schema.numerical == ()
    assert splits.schema.categorical[2].cardinality == 6
    bins = np.bincount(splits.train.categorical[:, 2])
    assert bins[0] == 0
    assert bins[5] == 1
    assert bins[1:5].max() - bins[1:5].min() <= 1


def test_a_user_can_be_binned_too(tmp_path: Path) -> None:
    text = DESCRIPTION.replace('["user_id", "item_id"]', '"item_id"\nbinned = { user_id = 3 }')
    splits = build(described(tmp_path, text).load(NOWHERE), "table", "key")
    assert splits.schema.categorical[1].cardinality == 4
    assert splits.facts["users"] == 12
