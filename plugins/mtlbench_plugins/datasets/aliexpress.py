"""AliExpress: items shown by a search, with clicks and purchases, in five countries."""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _aliexpress, _files

PAGE = "https://tianchi.aliyun.com/dataset/74690"
PARTS = ("train", "test")
ARCHIVE_GB = {"nl": 1.49, "fr": 2.25, "es": 2.60, "us": 2.25, "ru": 11.34}


def _publication(country: str, gigabytes: float) -> api.Publication:
    folder, archive = f"AliExpress_{country.upper()}", f"aliexpress_{country.upper()}_datasets.zip"
    raw = ", ".join(f"{country}_{side}_{part}.csv" for part in PARTS for side in ("user", "item"))
    return api.Publication(
        page=PAGE,
        licence="the terms of use on its page",
        size=int(gigabytes * 1e9),
        by_hand=(
            f"Sign in at {PAGE} (an Alibaba Cloud account), accept its terms and download {archive}; compare its md5 "
            f"with md5.txt there. Unzip it, and the four archives in it, so that the folder {folder} below the data "
            f"folder holds {raw}. The processed form of MTReclib does as well: {folder}/train.csv and test.csv "
            "(https://github.com/easezyc/Multitask-Recommendation-Library)."
        ),
        params={"country": country},
        facts={"rate.test.click": (0.015, 0.04), "rate.test.conversion": (0.0002, 0.002)},
    )


class AliExpress(api.Dataset):
    """Items shown by the search of a shop; the tasks are click and purchase, and the country is a parameter.

    Li et al., "Improving Multi-Scenario Learning to Rank in E-commerce by Exploiting Task Relationships in the Label
    Space", CIKM 2020, https://doi.org/10.1145/3340531.3412713. Data: https://tianchi.aliyun.com/dataset/74690 (needs an
    account). Below the data folder is ``AliExpress_NL`` (``_FR``, ``_ES``, ``_US``, ``_RU``) in either form, plain or
    gzipped: as published (``nl_user_train.csv``, ``nl_item_train.csv``, ``nl_user_test.csv``, ``nl_item_test.csv``, no
    header), or as MTReclib processes it (``train.csv``, ``test.csv``). Both give the same log.

    Tasks, a funnel: ``click``, then ``conversion``, a purchase after the click (labels 1 and 2 of the raw files).

    Inputs: 16 categorical and 63 numerical columns. Their meaning is not published; their numbering is that of
    MTReclib. Left out: the search.

    Time: none is published. The test part is the published one, which is later than the training part. Within a part
    the order of lines stands for time, so validation is the last quarter of the training lines. It is likely, but not
    documented, that searches are numbered by time.

    Rows of the raw form: the items of searches that the users' file has; the fact ``items_without_search.PART`` counts
    the others.

    Sessions: the search (``search_id``), with its items in the order of lines. A processed file without that column has
    no sessions, and methods that need a session MDP are not applicable.

    The facts to verify are bounds on the base rates, derived from the published losses. No row counts are published.
    """

    name, label = "aliexpress", "AliExpress"
    folder = "AliExpress_NL"
    publications = tuple(_publication(country, size) for country, size in ARCHIVE_GB.items())

    class Params(api.Params):
        """Parameters of ``aliexpress``."""

        country: Literal["nl", "fr", "es", "us", "ru"] = Field("nl", description="which of the five logs")
        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The processed files if both are there, else the published four."""
        processed = [_files.find(self._folder(root), part) for part in PARTS]
        if all(processed):
            return [path for found in processed for path in found]
        raw = [name for part in PARTS for name in self._raw(part)]
        found = [_files.find(self._folder(root), name) for name in raw]
        if not all(found):
            absent = [f"{name}.csv" for name, paths in zip(raw, found, strict=True) if not paths]
            raise api.DataError(
                f"dataset 'aliexpress' (country {self.params.country}) is not in the data folder {root}: "
                f"{self._folder(root)} lacks {', '.join(absent)}, and has no train.csv and test.csv instead; "
                f"`mtlbench data download 'aliexpress[country={self.params.country}]'` says how to get them from "
                f"{PAGE}; name the data folder by --data-dir or MTLBENCH_DATA"
            )
        return [path for paths in found for path in paths]

    def load(self, root: Path) -> api.Log:
        """Read both parts, in either form."""
        files = self.files(root)
        left_out: dict[str, int] = {}
        if len(files) == len(PARTS):
            parts = [_aliexpress.read_processed(path) for path in files]
        else:
            read = [_aliexpress.read_raw(*files[place : place + 2]) for place in (0, 2)]
            parts = [rows for rows, _ in read]
            left_out = {f"items_without_search.{part}": number for part, (_, number) in zip(PARTS, read, strict=True)}
        sizes = [len(part) for part in parts]
        searches = _aliexpress.SEARCH in parts[0] and _aliexpress.SEARCH in parts[1]
        if searches:  # each part numbers its searches anew
            parts[1][_aliexpress.SEARCH] += parts[0][_aliexpress.SEARCH].max() + 1
        frame = _files.concat(parts)
        frame["test"] = np.repeat([False, True], sizes)
        frame["line"] = np.arange(len(frame))
        return api.Log(
            frame=frame,
            tasks=api.funnel(*_aliexpress.LABELS),
            categorical=_aliexpress.CATEGORICAL,
            numerical=_aliexpress.NUMERICAL,
            timestamp="line",
            session=_aliexpress.SEARCH if searches else None,
            held_out="test",
            min_count=self.params.min_count,
            facts={"time": "none published, the order of lines stands in", **left_out},
        )

    def _folder(self, root: Path) -> Path:
        return root / f"AliExpress_{self.params.country.upper()}"

    def _raw(self, part: str) -> list[str]:
        return [f"{self.params.country}_{side}_{part}" for side in ("user", "item")]
