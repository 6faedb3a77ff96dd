import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kuairand import write_variant

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.kuairand import ASIDE, OUTCOMES, KuaiRand

REAL_LOG = "KuaiRand-Pure/data/log_standard_4_25_to_5_08_pure.csv"


def dataset(**params: object) -> KuaiRand:
    return KuaiRand(KuaiRand.Params.model_validate(params))


@pytest.fixture
def real(data_dir: Path) -> Path:
    if not (data_dir / REAL_LOG).is_file():
        pytest.skip(f"no KuaiRand-Pure: {data_dir / REAL_LOG} is absent")
    return data_dir


def test_the_published_facts_of_the_sample_hold(real: Path) -> None:
    raw = dataset().raw(real)
    assert len(raw) == 228_329
    rates = raw.mean(numeric_only=True)
    assert rates["is_click"] == pytest.approx(0.4419, abs=5e-5)
    assert rates["long_view"] == pytest.approx(0.3108, abs=5e-5)
    assert raw["is_like"].sum() == 3915
    assert rates["is_comment"] == pytest.approx(0.00254, abs=5e-6)
    assert rates["is_follow"] == pytest.approx(0.00133, abs=5e-6)
    assert rates["is_forward"] == pytest.approx(0.00085, abs=5e-6)
    assert rates["is_hate"] == pytest.approx(0.00083, abs=5e-6)
    assert raw.loc[raw["is_click"] == 0, "long_view"].mean() == pytest.approx(0.002, abs=5e-5)
    assert raw["user_id"].value_counts().agg(["mean", "median", "max"]).round(1).tolist() == [9.1, 7, 141]
    sessions = api.session_ids(raw["user_id"], raw["time_ms"], "user-gap30m")
    assert sessions.max() + 1 == 189_039


def test_duplicates_go_and_features_reach_every_row(real: Path) -> None:
    log = dataset().load(real)
    assert log.facts["raw_rows"] == 228_329
    assert log.facts["duplicates_dropped"] == 5460
    assert len(log.frame) == 228_329 - 5460
    assert log.frame[["user_active_degree", "author_id", "upload_type"]].notna().all(axis=None)
    assert (log.frame["long_view"] <= log.frame["click"]).all()


def test_the_duration_of_the_features_is_that_of_the_log(real: Path) -> None:
    log = dataset().load(real).frame
    raw = dataset().raw(real).drop_duplicates().reset_index(drop=True)
    known = log["video_duration"].notna()
    assert np.allclose(np.expm1(log.loc[known, "video_duration"]), raw.loc[known, "duration_ms"])
    assert (raw.loc[~known, "duration_ms"] == 0).all()


def test_no_outcome_and_no_statistic_is_an_input(real: Path) -> None:
    log = dataset().load(real)
    inputs = {*log.categorical, *log.numerical}
    assert inputs.isdisjoint({*OUTCOMES, *ASIDE, "click", "long_view", "time_ms", "session"})
    labels = log.frame[["click", "long_view"]].astype(float)
    for name in log.numerical:
        assert labels.corrwith(log.frame[name]).abs().max() < 0.5


def test_a_day_of_the_default_session_is_a_day_in_beijing(real: Path) -> None:
    frame = dataset().load(real).frame
    local = pd.to_datetime(frame["time_ms"], unit="ms", utc=True).dt.tz_convert("Asia/Shanghai")
    keys = pd.DataFrame({"user": frame["user_id"], "day": local.dt.date, "session": frame["session"]})
    assert len(keys.drop_duplicates()) == keys["session"].nunique() == keys[["user", "day"]].drop_duplicates().shape[0]
    assert (frame["hour"] == local.dt.hour).all()


@pytest.mark.parametrize("variant", ["pure", "1k", "27k"])
def test_each_variant_reads_its_standard_logs_alone_and_no_statistic(
    variant: str, tmp_path: Path, cache_dir: Path
) -> None:
    folder = write_variant(tmp_path, variant, rows=2000, users=50, videos=400)
    splits = load(dataset(variant=variant), tmp_path, cache_dir)
    assert splits.facts["raw_rows"] == splits.facts["rows"] == 2000
    assert splits.facts["users"] == 50
    assert (len(splits.schema.categorical), len(splits.schema.numerical)) == (36, 7)
    log = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("log_standard_*"))])
    ones = sum(split.labels.sum(0) for split in splits.parts().values())
    assert ones.tolist() == [log["is_click"].sum(), (log["is_click"] & log["long_view"]).sum()]


def test_gzipped_and_split_files_give_the_same_log(tmp_path: Path) -> None:
    folder = write_variant(tmp_path, "27k")
    plain = dataset(variant="27k").load(tmp_path)
    videos = folder / "video_features_basic_27k.csv"
    lines = videos.read_text().splitlines(keepends=True)
    (folder / "video_features_basic_27k_part1.csv").write_text("".join(lines[:11]))
    (folder / "video_features_basic_27k_part2.csv").write_text("".join([lines[0], *lines[11:]]))
    videos.unlink()
    for path in folder.glob("log_standard*"):
        with path.open("rb") as file, gzip.open(f"{path}.gz", "wb") as packed:
            shutil.copyfileobj(file, packed)
        path.unlink()
    pd.testing.assert_frame_equal(dataset(variant="27k").load(tmp_path).frame, plain.frame)


def test_only_exact_duplicates_are_dropped(tmp_path: Path) -> None:
    folder = write_variant(tmp_path)
    path = folder / "log_standard_4_08_to_4_21_pure.csv"
    log = pd.read_csv(path)
    near = log[:3].assign(play_time_ms=99)
    pd.concat([log, log[:5], near]).to_csv(path, index=False)
    facts = dataset().load(tmp_path).facts
    assert (facts["raw_rows"], facts["duplicates_dropped"]) == (408, 5)


def test_another_outcome_is_the_second_task(tmp_path: Path) -> None:
    write_variant(tmp_path)
    log = dataset(conversion="is_like").load(tmp_path)
    raw = dataset().raw(tmp_path)
    assert log.task_names == ["click", "like"]
    assert log.frame["like"].tolist() == (raw["is_click"] * raw["is_like"]).tolist()


def cut_in_a_line(folder: Path) -> Path:
    path = folder / "log_standard_4_22_to_5_08_pure.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:100]) + lines[100][:9])
    return path


def cut_in_a_number(folder: Path) -> Path:
    path = folder / "log_standard_4_22_to_5_08_pure.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:100]) + lines[100].rpartition(",")[0] + ",")
    return path


def cut_gzip(folder: Path) -> Path:
    path = folder / "user_features_pure.csv"
    packed = folder / "user_features_pure.csv.gz"
    content = gzip.compress(path.read_bytes())
    packed.write_bytes(content[: len(content) - 40])
    path.unlink()
    return packed


def rename_a_column(folder: Path) -> Path:
    path = folder / "log_standard_4_22_to_5_08_pure.csv"
    path.write_text(path.read_text().replace("is_click", "clicked", 1))
    return path


def write_words(folder: Path) -> Path:
    path = folder / "log_standard_4_22_to_5_08_pure.csv"
    log = pd.read_csv(path).astype({"is_click": object})
    log.loc[4, "is_click"] = "yes"
    log.to_csv(path, index=False)
    return path


def list_twice(folder: Path) -> Path:
    path = folder / "user_features_pure.csv"
    users = pd.read_csv(path)
    pd.concat([users, users[5:6]]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_in_a_line, ["#101", "truncated"]),
        (cut_in_a_number, ["'tab'", "line 101", "truncated"]),
        (cut_gzip, ["truncated"]),
        (rename_a_column, ["no column is_click", "clicked"]),
        (write_words, ["#6", "'yes'"]),
        (list_twice, ["user_id 5 twice"]),
    ],
)
def test_a_damaged_file_is_named(damage: Callable[[Path], Path], words: list[str], tmp_path: Path) -> None:
    path = damage(write_variant(tmp_path))
    with pytest.raises(api.DataError) as caught:
        dataset().load(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in (str(path), *words) if word not in message] == []


@pytest.mark.parametrize("absent", ["log_standard_*", "user_features_*", "video_features_basic_*"])
def test_an_absent_file_is_named_with_where_to_get_it(absent: str, tmp_path: Path) -> None:
    folder = write_variant(tmp_path)
    for path in folder.glob(absent):
        path.unlink()
    with pytest.raises(api.DataError, match="10439422") as caught:
        dataset().files(tmp_path)
    assert absent.rstrip("*") in str(caught.value)
    assert "MTLBENCH_DATA" in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_log_without_rows_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    folder = write_variant(tmp_path)
    for path in folder.glob("log_standard_*"):
        path.write_text(path.read_text().splitlines(keepends=True)[0])
    with pytest.raises(api.DataError, match="no rows"):
        load(dataset(), tmp_path, cache_dir)
