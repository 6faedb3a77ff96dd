import gzip
import shutil
from pathlib import Path

import pandas as pd
import pytest
from aliexpress import processed, raw_part, write_processed, write_raw

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.aliexpress import AliExpress
from mtlbench_plugins.weightings.rmtl import RMTL


def dataset(**params: object) -> AliExpress:
    return AliExpress(AliExpress.Params.model_validate(params))


@pytest.mark.parametrize("country", ["nl", "fr", "es", "us", "ru"])
def test_the_raw_and_the_processed_form_give_the_same_log(country: str, tmp_path: Path) -> None:
    write_raw(tmp_path / "raw", country)
    write_processed(tmp_path / "processed", country)
    raw = dataset(country=country).load(tmp_path / "raw")
    other = dataset(country=country).load(tmp_path / "processed")
    pd.testing.assert_frame_equal(raw.frame.astype("float64"), other.frame[list(raw.frame)].astype("float64"))
    assert (len(raw.categorical), len(raw.numerical)) == (16, 63)


def test_rows_are_the_items_of_known_searches_with_their_stage(tmp_path: Path) -> None:
    write_raw(tmp_path)
    log = dataset().load(tmp_path)
    frame = log.frame
    assert (log.facts["items_without_search.train"], log.facts["items_without_search.test"]) == (1, 1)
    expected = pd.concat([processed(*raw_part(60, seed)) for seed in (0, 1)])
    assert len(frame) == len(expected)
    assert frame["click"].tolist() == expected["click"].astype(bool).tolist()
    assert frame["conversion"].tolist() == expected["conversion"].astype(bool).tolist()


def test_the_published_parts_are_the_test_split_and_the_rest(tmp_path: Path, cache_dir: Path) -> None:
    write_raw(tmp_path)
    splits = load(dataset(), tmp_path, cache_dir)
    train, test = (len(processed(*raw_part(60, seed))) for seed in (0, 1))
    assert len(splits.test) == test
    assert abs(len(splits.validation) - train / 4) <= 1
    assert splits.train.timestamp.tolist() == list(range(len(splits.train)))


def test_a_search_is_a_session_and_the_parts_share_none(tmp_path: Path, cache_dir: Path) -> None:
    write_raw(tmp_path)
    splits = load(dataset(), tmp_path, cache_dir)
    assert splits.schema.sessions
    assert int(splits.test.done.sum()) == 60
    frame = dataset().load(tmp_path).frame
    assert set(frame.loc[frame["test"], "search_id"]).isdisjoint(frame.loc[~frame["test"], "search_id"])


def test_a_processed_file_without_searches_has_no_session_mdp(tmp_path: Path, cache_dir: Path) -> None:
    folder = write_processed(tmp_path)
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text().replace("search_id", "index", 1))
    splits = load(dataset(), tmp_path, cache_dir)
    assert not splits.schema.sessions
    assert "sessions" in str(RMTL(RMTL.Params()).applicable(splits.schema, api.Backbone))


def test_gzipped_files_give_the_same_log(tmp_path: Path) -> None:
    folder = write_raw(tmp_path)
    plain = dataset().load(tmp_path).frame
    for path in list(folder.glob("*.csv")):
        with path.open("rb") as file, gzip.open(f"{path}.gz", "wb") as packed:
            shutil.copyfileobj(file, packed)
        path.unlink()
    pd.testing.assert_frame_equal(dataset().load(tmp_path).frame, plain)


def test_the_sample_of_the_processed_form_loads(data_dir: Path, tmp_path: Path) -> None:
    sample = data_dir / "samples" / "aliexpress"
    if not sample.is_dir():
        pytest.skip(f"no sample of AliExpress: {sample} is absent")
    folder = tmp_path / "AliExpress_NL"
    folder.mkdir()
    for part in ("train", "test"):
        shutil.copy(sample / f"aliexpress_{part}_sample.csv", folder / f"{part}.csv")
    log = dataset().load(tmp_path)
    assert [int(count) for count in log.frame.groupby("test").size()] == [100, 20]
    assert log.frame[["click", "conversion"]].sum().tolist() == [70, 4]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "nl_item_test.csv").unlink(), ["nl_item_test.csv", "aliexpress[country=nl]"]),
        (
            lambda folder: (folder / "nl_user_train.csv").write_text("1,2,3\n"),
            ["nl_user_train.csv", "3 columns where 33"],
        ),
        (
            lambda folder: (folder / "nl_item_train.csv").write_text(",".join(["1"] * 48 + ["7"]) + "\n"),
            ["nl_item_train.csv", "label 7", "line 1", "expected 0, 1"],
        ),
    ],
)
def test_a_damaged_folder_is_named(damage: object, words: list[str], tmp_path: Path) -> None:
    damage(write_raw(tmp_path))  # type: ignore[operator]
    with pytest.raises(api.DataError) as caught:
        dataset().load(tmp_path)
    assert [word for word in words if word not in str(caught.value)] == []


def test_searches_that_a_float_does_not_tell_apart_are_refused(tmp_path: Path) -> None:
    folder = write_processed(tmp_path)
    path = folder / "train.csv"
    table = pd.read_csv(path)
    table["search_id"] += 2**60
    table.to_csv(path, index=False)
    with pytest.raises(api.DataError, match=r"train\.csv holds ids from 9007199254740992 on in column search_id"):
        dataset().load(tmp_path)
