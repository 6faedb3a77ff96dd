"""Inputs of several ids that built-in datasets offer by a parameter: against plain loops, and off by default."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kuairand import write_variant

from mtlbench import api
from mtlbench.api.params import identifying
from mtlbench.data import load
from mtlbench_plugins.datasets.kuairand import KuaiRand
from mtlbench_plugins.datasets.retailrocket import RetailRocket


def kuairand(**params: object) -> KuaiRand:
    return KuaiRand(KuaiRand.Params.model_validate(params))


def retailrocket(**params: object) -> RetailRocket:
    return RetailRocket(RetailRocket.Params.model_validate(params))


def lists(column: "pd.Series[object]") -> list[list[object]]:
    return [list(row) if isinstance(row, np.ndarray | list) else [] for row in column.to_numpy(dtype=object)]


def test_the_parameters_change_no_identity_at_their_defaults() -> None:
    assert not {"tags", "history", "pooling"} & set(identifying(kuairand().params))
    assert "history" not in identifying(retailrocket().params)
    assert set(identifying(kuairand(tags="all").params)) >= {"tags"}


def test_the_defaults_have_no_bags(tmp_path: Path) -> None:
    write_variant(tmp_path)
    log = kuairand().load(tmp_path)
    assert list(log.bags) == []
    assert "tag" in log.categorical
    assert set(log.frame["tag"].cat.categories) >= {"39", "3", "8"}


def test_all_tags_take_the_place_of_the_first(tmp_path: Path) -> None:
    folder = write_variant(tmp_path)
    log = kuairand(tags="all").load(tmp_path)
    assert "tag" not in log.categorical
    assert [bag.name for bag in log.described_bags] == ["tags"]
    videos = pd.read_csv(folder / "video_features_basic_pure.csv").set_index("video_id")["tag"]
    expected = videos.reindex(log.frame["video_id"]).fillna("").map(lambda tags: tags.split(",") if tags else [])
    assert lists(log.frame["tags"]) == expected.tolist()


def test_clicked_are_the_videos_of_earlier_clicks_the_latest_first(tmp_path: Path, cache_dir: Path) -> None:
    write_variant(tmp_path)
    dataset = kuairand(history="click", pooling="mean")
    log = dataset.load(tmp_path)
    [bag] = log.described_bags
    assert (bag.of, bag.pooling, bag.name in log.user_inputs) == ("video_id", "mean", True)
    frame = log.frame
    found = lists(frame["clicked"])
    for row in range(0, len(frame), 7):
        mine = frame[(frame["user_id"] == frame["user_id"].iloc[row]) & (frame["click"] == 1)]
        before = mine[mine["time_ms"] < frame["time_ms"].iloc[row]].sort_values("time_ms", ascending=False)
        assert found[row] == before["video_id"].tolist()[:50]
    splits = load(dataset, tmp_path, cache_dir)
    assert [(field.name, field.of) for field in splits.schema.bags] == [("clicked", "video_id")]
    assert splits.test.bags[0].lengths.sum() > 0


def test_the_pooling_of_no_history_is_refused() -> None:
    with pytest.raises(ValueError, match="add history=click"):
        kuairand(pooling="sum")


def test_seen_are_the_items_of_the_visitors_earlier_rows(data_dir: Path) -> None:
    if not (data_dir / "retailrocket" / "events.csv").is_file():
        pytest.skip(f"no RetailRocket: {data_dir / 'retailrocket' / 'events.csv'} is absent")
    log = retailrocket(history="seen").load(data_dir)
    assert log.described_bags == (api.BagColumn("seen", 20, "mean", "itemid"),)
    frame = log.frame
    found = lists(frame["seen"])
    assert max(map(len, found)) == 20
    for row in range(0, len(frame), 97):
        mine = frame[frame["user_id"] == frame["user_id"].iloc[row]]
        before = mine[mine["timestamp"] < frame["timestamp"].iloc[row]]
        assert sorted(found[row]) == sorted(before["itemid"].iloc[-20:])
