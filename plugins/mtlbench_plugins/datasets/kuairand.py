"""KuaiRand: impressions of short videos, and what users did after them."""

from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from mtlbench import api
from mtlbench.api.sessions import SESSION_RULE
from mtlbench_plugins.datasets import _files
from mtlbench_plugins.datasets._kuairand_bags import TAGS, clicked_before, clicked_videos, tag_lists
from mtlbench_plugins.datasets._kuairand_files import FOLDERS, PAGE, publication
from mtlbench_plugins.datasets._kuairand_tasks import CLICK, CLIPPED, PAPER, Outcome, chosen, normal_form, without_click

BEIJING_MS = 8 * 3_600_000
HOUR_MS = 3_600_000

IDS = ("user_id", "video_id", "time_ms", "tab")
OUTCOMES = ("is_click", "is_like", "is_follow", "is_comment", "is_forward", "long_view")
ASIDE = (
    "date",
    "hourmin",
    "is_hate",
    "play_time_ms",
    "duration_ms",
    "profile_stay_time",
    "comment_stay_time",
    "is_profile_enter",
    "is_rand",
)
"""Read to tell exact duplicates from rows that are nearly the same, and for some tasks; never inputs."""

USER_NUMBERS = ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")
USER_IDS = (
    "user_active_degree",
    "is_lowactive_period",
    "is_live_streamer",
    "is_video_author",
    *(f"{name}_range" for name in USER_NUMBERS),
    *(f"onehot_feat{number}" for number in range(18)),
)
VIDEO_IDS = ("author_id", "video_type", "upload_type", "music_id", "music_type", "tag")
VIDEO_NUMBERS = ("video_duration", "server_width", "server_height")


class KuaiRand(api.Dataset):
    """Impressions of short videos in the app Kuaishou, April and May 2022; the tasks are click and long view, or more.

    Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos", CIKM 2022,
    https://arxiv.org/abs/2208.08696. Data: https://zenodo.org/records/10439422, licence CC BY-SA 4.0. Unpacked below
    the data folder as ``KuaiRand-Pure/data/*.csv`` (``KuaiRand-1K``, ``KuaiRand-27K``), plain or gzipped.

    Rows: all standard logs that are there (``log_standard_*``), without rows that equal another in every column. The
    randomly exposed log is not read, because its impressions were not chosen by the recommender.

    Tasks: by default those of the paper, a funnel. ``click`` is is_click; the second task is is_click and the outcome
    named by ``conversion``, by default long_view. The fact ``long_view_without_click`` says how often that outcome
    happens without a click; the funnel counts it as 0.

    ``tasks`` names another set, or any tasks joined by ``+``, such as ``click+long_view+like``; they come in the order
    of this list. ``feedback`` is click, long_view, like, profile_enter, comment_open and finish; ``all`` is all of

    ``click``, ``like``, ``follow``, ``comment``, ``forward``, ``hate``, ``profile_enter``
        the columns is_click, is_like, and so on.
    ``long_view``
        long_view with a click, after ``click``: 0.35 % of the long views of KuaiRand-Pure have none, and count as 0.
    ``comment_open``
        comment_stay_time > 0.
    ``finish``
        play_time_ms >= duration_ms. So it is 1 on the rows whose duration_ms is 0 (1.6 % of KuaiRand-Pure).
    ``watch_time``
        play_time_ms / 1000, seconds, ``nonnegative``. In all splits it is cut at the 99.9 % quantile of the training
        rows, which the fact ``clipped_at.watch_time`` tells.

    All but ``long_view`` are parallel, for 2.6 % (comment) to 56 % (hate) of their positives come without a click. The
    fact ``without_click.TASK`` is the share of the rows above 0 that come without one.

    Inputs: user_id, video_id, tab (the place in the app), hour (local, of time_ms). Of the user: activity degree,
    roles, the published ranges, onehot_feat0..17, and ln(1 + x) of the numbers of users followed, fans, friends and
    days since registration. Of the video: author, type, upload type, music, music type, first of its tags, width,
    height, and ln(1 + x) of its duration (from the video features, where it equals duration_ms of the log). With
    ``tags=all`` the bag ``tags`` of all its tags, up to 10, takes the place of the first. With ``history=click`` the
    bag ``clicked`` has the videos of the user's last 50 clicks before the row, pooled as ``pooling`` says; it has the
    embeddings of video_id. Clicks of the same millisecond are left out.

    Left out as leakage: play_time_ms, profile_stay_time, comment_stay_time, is_profile_enter and all other outcomes;
    the video_features_statistic files, which aggregate over the whole period; visible_status, which is read after the
    period. Left out as useless under a split by time: date and upload date. User features are one snapshot, as
    published.

    Sessions: no session id is published. ``user-day`` (default) is a user's calendar day in Beijing (time_ms at UTC+8;
    the date in the log agrees in 99 % of the rows). ``user-gapNm`` ends a session at a pause of more than N minutes.
    ``user`` takes all rows of a user as one.
    """

    name, label = "kuairand", "KuaiRand"
    folder = FOLDERS["pure"]
    publications = tuple(publication(variant) for variant in FOLDERS)

    class Params(api.Params):
        """Parameters of ``kuairand``."""

        variant: Literal["pure", "1k", "27k"] = Field("pure", description="which of the published sizes")
        session: str = Field("user-day", pattern=f"^({SESSION_RULE})$", description="user, user-day or user-gapNm")
        conversion: Literal["long_view", "is_like", "is_follow", "is_comment", "is_forward"] = Field(
            "long_view", description="outcome that, with a click, is the second task"
        )
        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")
        tasks: str = api.added_later(PAPER, description="paper, feedback, all, or tasks joined by +")
        tags: Literal["first", "all"] = api.added_later("first", description="which tags of a video are inputs")
        history: Literal["none", "click"] = api.added_later("none", description="the user's earlier clicks as an input")
        pooling: api.Pooling = api.added_later("mean", description="of the history, into one vector")

        @field_validator("tasks")
        @classmethod
        def _normal_form(cls, tasks: str) -> str:
            return normal_form(tasks)

        @model_validator(mode="after")
        def _conversion_is_used(self) -> Self:
            if self.tasks != PAPER and self.conversion != "long_view":
                raise ValueError("conversion is of tasks=paper alone: leave it out, and name the task in `tasks`")
            return self

        @model_validator(mode="after")
        def _pooling_is_used(self) -> Self:
            if self.history == "none" and self.pooling != "mean":
                raise ValueError("pooling is of the history: add history=click, or leave pooling out")
            return self

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The standard logs, the user features and the basic video features of the variant."""
        logs = self._find(root, f"log_standard_*_{self.params.variant}*")
        users = self._find(root, f"user_features_{self.params.variant}*")
        videos = self._find(root, f"video_features_basic_{self.params.variant}*")
        return [*logs, *users, *videos]

    def load(self, root: Path) -> api.Log:
        """Read the logs, drop duplicates, and join the features of user and video."""
        raw = self.raw(root)
        log = raw[~_duplicated(raw)].reset_index(drop=True)
        clicked = log["is_click"] == 1
        users = self._features(root, "user_features", "user_id", USER_IDS, USER_NUMBERS)
        videos = self._features(root, "video_features_basic", "video_id", VIDEO_IDS, VIDEO_NUMBERS)
        tag, all_tags = videos.pop("tag"), self.params.tags == "all"
        videos["tags" if all_tags else "tag"] = (
            tag_lists(tag) if all_tags else tag.astype("str").str.partition(",")[0].astype("category")
        )

        frame = log[list(IDS)].copy()
        frame["hour"] = (log["time_ms"] + BEIJING_MS) // HOUR_MS % 24
        frame["session"] = api.session_ids(log["user_id"], log["time_ms"], self.params.session, BEIJING_MS)
        outcomes = self._outcomes
        raw_labels = {name: outcome.label(log) for name, outcome in outcomes.items()}
        for name, outcome in outcomes.items():
            frame[name] = raw_labels[name].where(clicked, 0) if outcome.after == CLICK else raw_labels[name]
        histories = [clicked_videos(self.params.pooling)] if self.params.history == "click" else []
        for history in histories:
            frame[history.name] = clicked_before(log)
        frame = pd.concat([frame, _lookup(users, log["user_id"]), _lookup(videos, log["video_id"])], axis="columns")
        return api.Log(
            frame=frame,
            tasks=[
                api.Task(name, outcome.kind, outcome.after if outcome.after in outcomes else None)
                for name, outcome in outcomes.items()
            ],
            clipped={name: CLIPPED[name] for name in outcomes if name in CLIPPED},
            categorical=(
                "user_id",
                "video_id",
                "tab",
                "hour",
                *USER_IDS,
                *(name for name in VIDEO_IDS if name in frame),
            ),
            numerical=(*USER_NUMBERS, *VIDEO_NUMBERS),
            timestamp="time_ms",
            session="session",
            user="user_id",
            user_inputs=("user_id", *USER_IDS, *USER_NUMBERS, *(history.name for history in histories)),
            min_count=self.params.min_count,
            facts={
                "raw_rows": len(raw),
                "duplicates_dropped": len(raw) - len(log),
                **without_click(raw_labels, clicked, self.params.tasks),
            },
            bags=[*([TAGS] if all_tags else []), *histories],
        )

    def raw(self, root: Path) -> pd.DataFrame:
        """The standard logs as published, one after the other, all columns."""
        columns = {**dict.fromkeys((*IDS, *OUTCOMES), _files.INTEGER), **dict.fromkeys(ASIDE, _files.NUMBER)}
        logs = self._find(root, f"log_standard_*_{self.params.variant}*")
        complete = {*IDS, *OUTCOMES, *(name for outcome in self._outcomes.values() for name in outcome.columns)}
        return pd.concat([_files.read(path, columns, complete) for path in logs], ignore_index=True)

    @property
    def _outcomes(self) -> dict[str, Outcome]:
        """The tasks by name."""
        if self.params.tasks != PAPER:
            return chosen(self.params.tasks)
        column = self.params.conversion
        second = Outcome((column,), lambda log: log[column], after=CLICK)
        return {**chosen(CLICK), column.removeprefix("is_"): second}

    def _find(self, root: Path, pattern: str) -> list[Path]:
        folder = root / FOLDERS[self.params.variant] / "data"
        found = _files.find(folder, pattern)
        if not found:
            variant = self.params.variant
            raise api.DataError(
                f"dataset 'kuairand' (variant {variant}) is not in the data folder {root}: no file "
                f"{folder / pattern}.csv or .csv.gz; `mtlbench data download 'kuairand[variant={variant}]'` fetches it "
                f"from {PAGE}; name the data folder by --data-dir or MTLBENCH_DATA"
            )
        return found

    def _features(
        self, root: Path, stem: str, key: str, ids: tuple[str, ...], numbers: tuple[str, ...]
    ) -> pd.DataFrame:
        """The features of a user or video, one row each, by id."""
        columns = {key: _files.INTEGER, **dict.fromkeys(ids, _files.CATEGORY), **dict.fromkeys(numbers, _files.NUMBER)}
        files = self._find(root, f"{stem}_{self.params.variant}*")
        table = _files.concat([_files.read(path, columns) for path in files]).set_index(key)
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()][0]
            raise api.DataError(f"{files[0]} lists {key} {twice} twice: expected one line each; fetch the file again")
        heavy = list(set(numbers) - {"server_width", "server_height"})
        table[heavy] = np.log1p(table[heavy].where(table[heavy] >= 0))
        return table


def _duplicated(raw: pd.DataFrame) -> "pd.Series[bool]":
    """Rows that equal an earlier one in every column; only rows with one user, video and time are compared in full."""
    alike = raw.duplicated(["user_id", "video_id", "time_ms"], keep=False)
    return raw[alike].duplicated().reindex(raw.index, fill_value=False)


def _lookup(features: pd.DataFrame, ids: "pd.Series[int]") -> pd.DataFrame:
    """The features of each id, all missing where an id has none."""
    return features.reindex(ids).reset_index(drop=True)
