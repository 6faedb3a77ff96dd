"""Deskdrop: what the people of a company did with the articles that they shared with each other."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _files

FOLDER = "deskdrop"
PAGE = "https://www.kaggle.com/datasets/gspmoreira/articles-sharing-reading-from-cit-deskdrop"
FILE = "users_interactions.csv"

PAIR = ["personId", "contentId"]
VIEW = "VIEW"
TASKS = {"like": "LIKE", "bookmark": "BOOKMARK", "comment": "COMMENT CREATED", "follow": "FOLLOW"}
DEVICE = "device"
VIEWED = api.BagColumn("viewed", length=20, of="contentId")


class Deskdrop(api.Dataset):
    """Articles viewed on the sharing platform of a company in 2016 and 2017; five tasks, such as like and revisit.

    Moreira, "Articles sharing and reading from CI&T Deskdrop",
    https://www.kaggle.com/datasets/gspmoreira/articles-sharing-reading-from-cit-deskdrop (needs an account). Its
    licence was not seen by us: records of it hold scores, and the log is published nowhere here. Below the data folder,
    plain or gzipped: ``deskdrop/users_interactions.csv``.

    Rows: pairs of a person and an article, at the person's first view of it. Events that equal another in every column
    are dropped. Pairs without a view are left out, as many as the fact ``pairs_without_view`` says.

    Tasks, parallel: ``like``, ``bookmark``, ``comment``, ``follow``, the person did so with the article, at any time;
    ``revisit``, the person viewed it again in another session. 97 to 99 % of the first four come within 7 days of the
    first view. Some come before the first view that was logged; the facts ``before_the_view.TASK`` say how many. The
    log ends, so late rows have less time for all of them.

    Inputs: person, article, country, hour and weekday (UTC), ln(1 + seconds since the first event of the article), and
    the device where the file has a column ``device`` (the file as published has userAgent in its place, which is not
    read). With ``history=viewed`` the bag ``viewed`` has the last 20 articles that the person viewed for the first time
    before.

    Left out as leakage: all counts over the log, such as how often an article was viewed or liked. The texts of the
    articles are not read.

    Sessions: as published. Users: persons.
    """

    name, label = "deskdrop", "Deskdrop"
    folder = FOLDER
    publications = (
        api.Publication(
            page=PAGE,
            licence="not seen, see the page",
            size=1_923_450,
            by_hand=(
                f"An account at Kaggle is needed. Fetch users_interactions.csv from {PAGE} and put it into the data "
                f"folder as {FOLDER}/{FILE}, plain or with .gz."
            ),
            facts={
                "events": 72_312,
                "duplicates_dropped": 11,
                "rows": 40_241,
                "articles": 2_987,
                "like": 5_499,
                "bookmark": 1_858,
                "comment": 1_422,
                "follow": 1_388,
                "revisit": 3_485,
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``deskdrop``."""

        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")
        history: Literal["none", "viewed"] = Field("none", description="whether articles viewed before are an input")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The log of events."""
        return _files.published(self, root, [FILE])

    def load(self, root: Path) -> api.Log:
        """Make a row of each pair of person and article that has a view, and its tasks of all its events."""
        (path,) = self.files(root)
        raw = _events(path)
        events = raw[~raw.duplicated()].sort_values("timestamp", kind="stable", ignore_index=True)
        first_event = events.groupby("contentId")["timestamp"].min()
        views = events[events["eventType"] == VIEW]
        rows = views.drop_duplicates(PAIR, ignore_index=True)
        shown = pd.MultiIndex.from_frame(rows[PAIR])
        before = {}
        for task, kind in TASKS.items():
            earliest = events[events["eventType"] == kind].groupby(PAIR)["timestamp"].min().reindex(shown).to_numpy()
            rows[task] = (~np.isnan(earliest)).astype("int64")
            before[f"before_the_view.{task}"] = int((earliest < rows["timestamp"].to_numpy()).sum())
        place = shown.get_indexer(pd.MultiIndex.from_frame(views[PAIR]))
        elsewhere = views["sessionId"].to_numpy() != rows["sessionId"].to_numpy()[place]
        rows["revisit"] = np.isin(np.arange(len(rows)), place[elsewhere]).astype("int64")
        age = rows["timestamp"] - rows["contentId"].map(first_event)
        rows["article_age"] = np.log1p(age.astype("float64"))
        time = pd.to_datetime(rows["timestamp"], unit="s")
        rows["hour"], rows["weekday"] = time.dt.hour, time.dt.day_of_week
        rows["time_ms"] = rows.pop("timestamp") * 1000
        bags = [VIEWED] if self.params.history == "viewed" else []
        for bag in bags:
            rows[bag.name] = api.history(rows, "personId", "contentId", "time_ms", last=bag.length)
        tasks = [*TASKS, "revisit"]
        return api.Log(
            frame=rows,
            tasks=tasks,
            categorical=[*PAIR, "userCountry", *([DEVICE] if DEVICE in rows else []), "hour", "weekday"],
            numerical=("article_age",),
            timestamp="time_ms",
            session="sessionId",
            user="personId",
            user_inputs=("personId", "userCountry", *(bag.name for bag in bags)),
            min_count=self.params.min_count,
            facts={
                "events": len(raw),
                "duplicates_dropped": len(raw) - len(events),
                "articles": int(events["contentId"].nunique()),
                "pairs_without_view": len(events[PAIR].drop_duplicates()) - len(rows),
                **{task: int(rows[task].sum()) for task in tasks},
                **before,
            },
            bags=bags,
        )


def _events(path: Path) -> pd.DataFrame:
    """The log as published, its columns that are used.

    Raises:
        DataError: an event is of no known kind.
    """
    ids = ("timestamp", "contentId", "personId", "sessionId")
    optional = [DEVICE] if DEVICE in _files.header(path) else []
    texts = ["eventType", "userCountry", *optional]
    types: dict[str, pa.DataType] = {**dict.fromkeys(ids, _files.INTEGER), **dict.fromkeys(texts, _files.CATEGORY)}
    events = _files.read(path, types, complete=[*ids, "eventType"])
    kinds = [VIEW, *TASKS.values()]
    if unknown := set(events["eventType"].cat.categories) - set(kinds):
        raise api.DataError(f"{path}: unknown event {min(unknown)!r} in 'eventType': expected {', '.join(kinds)}")
    return events
