"""Columns that another file says of the ids of a column: as a merge of the two tables would have them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_tables import DESCRIPTION, own_table

from mtlbench import api
from mtlbench.data.fingerprint import fingerprint
from mtlbench.data.hashes import FileHashes
from mtlbench_plugins.datasets._table_file import TableFile
from mtlbench_plugins.datasets.table import Table

JOIN = 'join = { files = "users.csv", on = "user_id", key = "id", columns = ["city", "age", "tags"] }\n'
MORE = DESCRIPTION.replace('["price"]', '["price", "age"]').replace('"item_id"]', '"item_id", "city"]')
WHOLE = MORE + 'bags = [{ column = "tags", separator = "|" }]\n' + JOIN
USERS = pd.DataFrame(
    {
        "id": np.arange(1, 12),
        "city": [f"c{user % 3}" for user in range(1, 12)],
        "age": np.arange(11) * 1.5,
        "tags": ["a|b", "b", None, "c|a", "a", "b", "c", "a|c", "b", "a", "a|b|c"],
        "secret": 1,
    }
)
"""Of all users but 0."""


def table(
    folder: Path, description: str = WHOLE, users: pd.DataFrame = USERS, log: pd.DataFrame | None = None
) -> Table:
    (own_table() if log is None else log).to_csv(folder / "my_log.csv", index=False)
    users.to_csv(folder / "users.csv", index=False)
    (folder / "my_log.toml").write_text(description)
    return Table(Table.Params(schema=folder / "my_log.toml"))


def test_joined_columns_are_those_of_a_merge_and_missing_where_an_id_has_no_row(tmp_path: Path) -> None:
    frame = table(tmp_path).load(tmp_path).frame
    wanted = own_table().merge(USERS, left_on="user_id", right_on="id", how="left")
    assert (wanted["user_id"] == 0).any()
    assert frame["city"].astype(object).fillna("-").tolist() == wanted["city"].fillna("-").tolist()
    assert np.array_equal(frame["age"].to_numpy(), wanted["age"].to_numpy(), equal_nan=True)
    assert [list(row) for row in frame["tags"].to_numpy(dtype=object)] == [
        tags.split("|") if isinstance(tags, str) else [] for tags in wanted["tags"]
    ]
    assert "secret" not in frame.columns


def test_ids_match_however_they_are_spelt(tmp_path: Path) -> None:
    plain = table(tmp_path).load(tmp_path).frame
    floats = own_table().astype({"user_id": float})
    assert table(tmp_path, log=floats).load(tmp_path).frame["city"].tolist() == plain["city"].tolist()


def test_the_joined_file_is_part_of_what_identifies_the_data(tmp_path: Path) -> None:
    dataset = table(tmp_path)
    assert [path.name for path in dataset.files(tmp_path)] == ["my_log.toml", "my_log.csv", "users.csv"]
    before = fingerprint(dataset, tmp_path, FileHashes(tmp_path / "cache"))
    dataset = table(tmp_path, users=USERS.assign(city="x"))
    assert fingerprint(dataset, tmp_path, FileHashes(tmp_path / "cache")) != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"city", "age", "tags"', '"city", "age", "tag"', "brings column 'tag', which nothing uses"),
        ('"city", "age", "tags"', '"city", "age"', "there is no column 'tags'"),
        ('key = "id"', 'key = "uid"', r"users.csv: there is no column 'uid' \(did you mean 'id'\?"),
        ('on = "user_id"', 'on = "userid"', "is no column of ids: did you mean 'user_id'"),
        ('"users.csv"', '"user.csv"', "user.csv is not there"),
        ('tasks = ["click"', 'tasks = [{ name = "click", column = "city", equals = "c1" }', "a label is of a row"),
        ("columns =", "column =", "unknown key 'column' of a join: did you mean 'columns'"),
    ],
)
def test_a_join_that_makes_no_sense_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    description = WHOLE.replace('"city", "age", "tags"', new) if old.startswith('"city"') else WHOLE.replace(old, new)
    if "equals" in new:
        description = description.replace(', "city"]', "]", 1)
    with pytest.raises(api.DataError, match=message):
        table(tmp_path, description).load(tmp_path)


def test_an_id_with_two_rows_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match=r"users.csv: 'id' holds '3' twice: keep one row for each id"):
        table(tmp_path, users=pd.concat([USERS, USERS.iloc[[2]]])).load(tmp_path)
    with pytest.raises(api.DataError, match=r"users.csv: 'id' holds no id in row 3: drop the row"):
        table(tmp_path, users=USERS.assign(id=USERS["id"].where(USERS["id"] != 2))).load(tmp_path)


def test_a_column_that_both_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match="column 'city' is in the log, and `join` brings it: rename one"):
        table(tmp_path, log=own_table().assign(city="x")).load(tmp_path)


def test_files_of_a_log_share_what_is_read_of_a_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = table(tmp_path, WHOLE.replace("my_log.csv", "log"))
    whole = table(tmp_path).load(tmp_path).frame["city"].tolist()
    (tmp_path / "my_log.toml").write_text(WHOLE.replace("my_log.csv", "log"))
    (tmp_path / "log").mkdir()
    for part in range(3):
        own_table().iloc[part * 100 : part * 100 + 100].to_csv(tmp_path / "log" / f"{part}.csv", index=False)
    read: list[str] = []
    blocks = TableFile.blocks
    monkeypatch.setattr(TableFile, "blocks", lambda file, types: read.append(file.path.name) or blocks(file, types))
    assert dataset.load(tmp_path).frame["city"].tolist() == whole
    assert read.count("users.csv") == 1


def test_a_join_that_brings_nothing_to_any_row_is_refused(tmp_path: Path) -> None:
    others = USERS.assign(id=[f"u{user}" for user in USERS["id"]])
    message = "`join` brings no value of 'city', 'age' to any row: no id of 'user_id' is in column 'id' of users.csv"
    with pytest.raises(api.DataError, match=message):
        table(tmp_path, users=others).load(tmp_path)
    with pytest.raises(api.DataError, match=r"users.csv: `join` is with a file that has no row"):
        table(tmp_path, users=USERS.iloc[:0]).load(tmp_path)


def test_files_of_a_join_may_spell_their_values_in_different_types(tmp_path: Path) -> None:
    description = MORE + JOIN.replace("users.csv", "users").replace(', "tags"', "")
    dataset = table(tmp_path, description)
    (tmp_path / "users").mkdir()
    users = USERS.assign(city=USERS["id"] % 3)[["id", "city", "age"]]
    users.iloc[:5].astype({"city": float}).to_parquet(tmp_path / "users" / "1.parquet")
    users.iloc[5:].astype({"id": str, "city": str}).to_parquet(tmp_path / "users" / "2.parquet")
    frame = dataset.load(tmp_path).frame
    wanted = own_table().merge(users.astype({"city": str}), left_on="user_id", right_on="id", how="left")
    assert frame["city"].astype(object).fillna("-").tolist() == wanted["city"].fillna("-").tolist()
