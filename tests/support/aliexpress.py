"""AliExpress files of full shape: 33 user and 49 item columns in the raw form, 82 in the processed one."""

from pathlib import Path

import numpy as np
import pandas as pd

ITEM_IDS = (19, 34, 35, 36, 40, 41, 42)


def raw_part(searches: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Users (one row per search) and items, numbered from 1 as the published files are; columns carry no names."""
    random = np.random.default_rng(seed)
    ids = np.sort(random.choice(10 * searches, size=searches, replace=False))
    users = pd.DataFrame(random.random((searches, 33)).round(4), columns=range(1, 34))
    for column in (*range(2, 9), 32, 33):
        users[column] = random.integers(9, size=searches)
    users[1] = ids
    search = np.repeat(ids, random.integers(1, 6, size=searches))
    items = pd.DataFrame(random.random((len(search), 49)).round(4), columns=range(1, 50))
    for column in ITEM_IDS:
        items[column] = random.integers(50, size=len(search))
    items[1] = search
    items[49] = random.choice([0, 0, 0, 1, 1, 2], size=len(search))
    items.loc[len(items)] = items.loc[0].where(items.columns != 1, 10 * searches + 7)  # of a search that no user made
    return users, items.astype(dict.fromkeys((1, *ITEM_IDS, 49), int))


def processed(users: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The table that the processing script of MTReclib makes of a part, by its description."""
    joined = users.add_prefix("user_").merge(items.add_prefix("item_"), left_on="user_1", right_on="item_1")
    ids = [f"user_{n}" for n in (*range(2, 9), 32, 33)] + [f"item_{n}" for n in ITEM_IDS]
    numbers = [f"user_{n}" for n in range(9, 32)] + [f"item_{n}" for n in range(2, 49) if n not in ITEM_IDS]
    table = joined[["user_1", *ids, *numbers]]
    table.columns = [
        "search_id",
        *(f"categorical_{n}" for n in range(1, 17)),
        *(f"numerical_{n}" for n in range(1, 64)),
    ]
    return table.assign(click=(joined["item_49"] > 0).astype(int), conversion=(joined["item_49"] == 2).astype(int))


def write_raw(root: Path, country: str = "nl", searches: int = 60) -> Path:
    """Both published parts of a country below the data folder ``root``; returns their folder."""
    folder = root / f"AliExpress_{country.upper()}"
    folder.mkdir(parents=True)
    for seed, part in enumerate(("train", "test")):
        for side, table in zip(("user", "item"), raw_part(searches, seed), strict=True):
            table.to_csv(folder / f"{country}_{side}_{part}.csv", index=False, header=False)
    return folder


def write_processed(root: Path, country: str = "nl", searches: int = 60) -> Path:
    """Both processed parts of a country; returns their folder."""
    folder = root / f"AliExpress_{country.upper()}"
    folder.mkdir(parents=True)
    for seed, part in enumerate(("train", "test")):
        processed(*raw_part(searches, seed)).to_csv(folder / f"{part}.csv", index=False)
    return folder
