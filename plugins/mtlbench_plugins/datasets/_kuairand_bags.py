"""The inputs of KuaiRand that have several ids in a row: all tags of a video, and the videos a user clicked before."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mtlbench import api

TAGS = api.BagColumn("tags", length=10)
MOST_CLICKED = 50
"""Latest videos of a user's clicks that a row has."""


def tag_lists(tags: "pd.Series[Any]") -> "pd.Series[Any]":
    """The tags of each video as a list, from texts such as ``"3,14"``; no list where there is no text."""
    lists = pc.split_pattern(pa.array(tags.astype(object), pa.string(), from_pandas=True), ",")
    return pd.Series(lists, index=tags.index, dtype=pd.ArrowDtype(lists.type))


def clicked_before(log: pd.DataFrame) -> "pd.Series[Any]":
    """For each row the videos of its user's last clicks before it, the latest first."""
    return api.history(log, "user_id", "video_id", "time_ms", where="is_click", last=MOST_CLICKED)


def clicked_videos(pooling: api.Pooling) -> api.BagColumn:
    """The bag of :func:`clicked_before`."""
    return api.BagColumn("clicked", MOST_CLICKED, pooling, of="video_id")
