import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kuairand import write_variant

from mtlbench import api
from mtlbench.config.specs import resolve_texts
from mtlbench.data import load
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
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


FEEDBACK = ["click", "long_view", "like", "profile_enter", "comment_open", "finish"]


def spelt(tasks: str) -> str:
    return KuaiRand.Params(tasks=tasks).tasks


def test_a_set_of_tasks_has_one_spelling() -> None:
    assert spelt("like+long_view+click") == "click+long_view+like"
    assert spelt("+".join(reversed(FEEDBACK))) == "feedback"
    assert spelt("click+long_view") == "paper"
    assert dataset(tasks="long_view+click").params == dataset().params


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"tasks": "click+lik"}, "there is no task 'lik': did you mean 'like'?"),
        ({"tasks": "feedbak"}, "there is no task 'feedbak': did you mean 'feedback'?"),
        ({"tasks": "click+"}, "there is no task ''"),
        ({"tasks": "click+like+click"}, "the task 'click' is named twice"),
        ({"tasks": "paper+like"}, "'paper' is a whole set"),
        ({"tasks": "feedback", "conversion": "is_like"}, "conversion is of tasks=paper alone"),
    ],
)
def test_sets_of_tasks_that_there_are_not(params: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as caught:
        dataset(**params)
    assert reason in str(caught.value)


def test_the_command_line_takes_a_set_and_suggests_a_task() -> None:
    catalogue = discover(())
    [found] = resolve_texts(catalogue, "dataset", ["kuairand[tasks=like+long_view+click]"], "quick")
    assert found.changed == {"tasks": "click+long_view+like"}
    crossed = resolve_texts(catalogue, "dataset", ["kuairand[tasks=feedback|click+like]"], "quick")
    assert [one.spec.params["tasks"] for one in crossed] == ["feedback", "click+like"]
    with pytest.raises(UsageError, match=r"dataset kuairand: parameter tasks = click\+lik is invalid: .* 'like'\?"):
        resolve_texts(catalogue, "dataset", ["kuairand[tasks=click+lik]"], "quick")


def test_every_task_is_what_the_log_says(tmp_path: Path) -> None:
    write_variant(tmp_path)
    log, raw = dataset(tasks="all").load(tmp_path), dataset().raw(tmp_path)
    assert {task.name: task.after for task in log.described_tasks if task.after} == {"long_view": "click"}
    assert [task.name for task in log.described_tasks if task.kind == "nonnegative"] == ["watch_time"]
    flags = ("click", "like", "follow", "comment", "forward", "hate", "profile_enter")
    labels = {
        **{name: raw[f"is_{name}"] for name in flags},
        "long_view": raw["is_click"] * raw["long_view"],
        "comment_open": raw["comment_stay_time"] > 0,
        "finish": raw["play_time_ms"] >= raw["duration_ms"],
        "watch_time": raw["play_time_ms"] / 1000,
    }
    assert labels.keys() == set(log.task_names)
    for name, label in labels.items():
        assert log.frame[name].tolist() == label.tolist()
    assert {*ASIDE, *OUTCOMES, *log.task_names}.isdisjoint({*log.categorical, *log.numerical})
    liked = raw[raw["is_like"] == 1]
    assert log.facts["without_click.like"] == pytest.approx(1 - liked["is_click"].mean())


def test_a_task_does_not_depend_on_which_others_there_are(tmp_path: Path) -> None:
    write_variant(tmp_path)
    alone, all_of_them = (dataset(tasks=tasks).load(tmp_path) for tasks in ("long_view+like", "all"))
    assert alone.described_tasks == (api.Task("long_view"), api.Task("like"))
    pd.testing.assert_frame_equal(alone.frame[["long_view", "like"]], all_of_them.frame[["long_view", "like"]])


def test_watch_time_is_cut_at_a_quantile_of_the_training_rows_alone(tmp_path: Path, cache_dir: Path) -> None:
    folder = write_variant(tmp_path, rows=2000)
    later = folder / "log_standard_4_22_to_5_08_pure.csv"
    log = pd.read_csv(later)
    log.loc[len(log) - 50 :, "play_time_ms"] = 10**9  # of the test split
    log.to_csv(later, index=False)
    splits = load(dataset(tasks="click+watch_time"), tmp_path, cache_dir)
    watched = dataset().raw(tmp_path).sort_values("time_ms")["play_time_ms"].to_numpy() / 1000
    limit = float(np.quantile(watched[:1200].astype(np.float32), 0.999))
    assert splits.facts["clipped_at.watch_time"] == pytest.approx(limit)
    assert limit < watched[:1200].max()
    found = np.concatenate([split.labels[:, 1].numpy() for split in splits.parts().values()])
    np.testing.assert_allclose(found, np.minimum(watched, limit), rtol=1e-6)


def test_a_task_without_its_column_is_refused(tmp_path: Path) -> None:
    folder = write_variant(tmp_path)
    path = folder / "log_standard_4_22_to_5_08_pure.csv"
    log = pd.read_csv(path).astype({"play_time_ms": object})
    log.loc[4, "play_time_ms"] = None
    log.to_csv(path, index=False)
    assert len(dataset(tasks="click+like").load(tmp_path).frame) == 400
    with pytest.raises(api.DataError, match="no value in column 'play_time_ms' on line 6"):
        dataset(tasks="click+finish").load(tmp_path)


def test_the_shares_of_the_sample_are_those_that_the_description_says(real: Path) -> None:
    log = dataset(tasks="all").load(real)
    shares = {name: log.facts[f"without_click.{name}"] for name in log.task_names[1:]}
    assert shares["long_view"] == pytest.approx(0.0035, abs=5e-5)
    assert [name for name, share in shares.items() if share < 0.01] == ["long_view"]
    assert (shares["comment"], shares["hate"]) == pytest.approx((0.026, 0.556), abs=5e-4)
    assert log.frame["comment_open"].mean() == pytest.approx(0.0445, abs=5e-5)
    assert log.frame["finish"].mean() == pytest.approx(0.1558, abs=5e-5)
