"""KuaiRand folders of full shape: every published file and column, split into parts as each size is."""

from pathlib import Path

import numpy as np
import pandas as pd

FOLDERS = {"pure": "KuaiRand-Pure", "1k": "KuaiRand-1K", "27k": "KuaiRand-27K"}
ACTIONS = ("click", "like", "follow", "comment", "forward", "hate")
STAYS = ("play_time_ms", "duration_ms", "profile_stay_time", "comment_stay_time")
LOG = (
    *("user_id", "video_id", "date", "hourmin", "time_ms"),
    *(f"is_{action}" for action in ACTIONS),
    *("long_view", *STAYS, "is_profile_enter", "is_rand", "tab"),
)
RANGES = {"follow_user_num": "500+", "fans_user_num": "[100,1k)", "friend_user_num": "[30,60)", "register_days": "730+"}
COUNTS = ("show_cnt", "play_cnt", "like_cnt", "comment_cnt", "follow_cnt", "share_cnt", "complete_play_cnt")
"""Some of the 51 columns that aggregate over the whole period."""


def logs(rows: int, users: int, videos: int, random: np.random.Generator) -> pd.DataFrame:
    """Impressions over the published period, in the published columns, in order of time."""
    frame = pd.DataFrame({name: random.integers(2, size=rows) for name in LOG})
    frame["user_id"], frame["video_id"] = random.integers(users, size=rows), random.integers(videos, size=rows)
    frame["time_ms"] = 1_649_400_000_000 + np.sort(random.choice(30 * 86_400_000, size=rows, replace=False))
    local = pd.to_datetime(frame["time_ms"], unit="ms", utc=True).dt.tz_convert("Asia/Shanghai")
    frame["date"] = local.dt.strftime("%Y%m%d").astype(int)
    frame["hourmin"] = local.dt.hour * 100
    for name in STAYS:
        frame[name] = random.integers(100_000, size=rows)
    frame["tab"] = random.integers(15, size=rows)
    frame["is_rand"] = 0
    return frame


def user_features(users: int, random: np.random.Generator) -> pd.DataFrame:
    """One row per user, in the 31 published columns."""
    columns: dict[str, object] = {
        "user_id": np.arange(users),
        "user_active_degree": random.choice(["full_active", "high_active", "UNKNOWN"], size=users),
        **{name: random.integers(2, size=users) for name in ("is_lowactive_period", "is_live_streamer")},
        "is_video_author": random.integers(2, size=users),
    }
    for name, value in RANGES.items():
        columns[name], columns[f"{name}_range"] = random.integers(2000, size=users), value
    for number in range(18):
        columns[f"onehot_feat{number}"] = random.choice([0.0, 1.0, np.nan] if number > 3 else [0, 1], size=users)
    return pd.DataFrame(columns)


def video_features(videos: int, random: np.random.Generator) -> pd.DataFrame:
    """One row per video, in the 12 published columns."""
    return pd.DataFrame(
        {
            "video_id": np.arange(videos),
            "author_id": random.integers(50, size=videos),
            "video_type": random.choice(["NORMAL", "AD"], size=videos),
            "upload_dt": "2022-04-10",
            "upload_type": random.choice(["LongImport", "ShortCamera"], size=videos),
            "visible_status": 0.0,
            "video_duration": random.choice([87433.0, 9000.0, np.nan], size=videos),
            "server_width": 720.0,
            "server_height": 1280.0,
            "music_id": random.integers(10**10, size=videos),
            "music_type": random.choice([4.0, 9.0, np.nan], size=videos),
            "tag": random.choice(["39", "3,14", "8,11,2", ""], size=videos),
        }
    )


def save(table: pd.DataFrame, folder: Path, stem: str, parts: int = 1) -> None:
    """``table`` as one file, or cut into several named ``_part1`` and so on."""
    for number, rows in enumerate(np.array_split(np.arange(len(table)), parts), start=1):
        name = f"{stem}.csv" if parts == 1 else f"{stem}_part{number}.csv"
        table.iloc[rows].to_csv(folder / name, index=False)


def write_variant(root: Path, variant: str = "pure", rows: int = 400, users: int = 20, videos: int = 30) -> Path:
    """A generated KuaiRand folder of one size; returns the folder of its files."""
    folder = root / FOLDERS[variant] / "data"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    log = logs(rows, users, videos, random)
    parts = 2 if variant == "27k" else 1
    half = rows // 2
    save(log[:half], folder, f"log_standard_4_08_to_4_21_{variant}", parts)
    save(log[half:], folder, f"log_standard_4_22_to_5_08_{variant}", parts)
    save(logs(rows, users, videos, random).assign(is_rand=1), folder, f"log_random_4_22_to_5_08_{variant}")
    save(user_features(users, random), folder, f"user_features_{variant}")
    features = video_features(videos, random)
    save(features, folder, f"video_features_basic_{variant}")
    statistics = pd.DataFrame({"video_id": np.arange(videos), **dict.fromkeys(COUNTS, 10**6)})
    save(statistics, folder, f"video_features_statistic_{variant}", 3 if variant == "27k" else 1)
    return folder
