"""Ali-CCP: recommendations of a shop, with clicks and conversions, and without times."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _files

PAGE = "https://tianchi.aliyun.com/dataset/408"
FOLDER = "ali-ccp"
PARTS = ("train", "test")

SKELETON = ("sample_id", "click", "conversion", "common", "features_listed", "features")
COMMON = ("common", "features_listed", "features")
"""Columns of the published files, which have no header."""

ITEM_FIELDS = ("205", "206", "207", "216", "508", "509", "702", "853", "301")
USER_FIELDS = ("101", "121", "122", "124", "125", "126", "127", "128", "129")
"""Numbers of the fields that have one value each, in the skeleton and in the common features."""
NO_USER = "none"
"""Rows without a user all get this one."""


class AliCCP(api.Dataset):
    r"""Items recommended by a shop; the tasks are click and conversion, and no time is known.

    Ma et al., "Entire Space Multi-Task Model" (ESMM), SIGIR 2018, https://arxiv.org/abs/1804.07931. Data:
    https://tianchi.aliyun.com/dataset/408 (needs an account). Below the data folder, plain or gzipped:
    ``ali-ccp/sample_skeleton_train.csv``, ``common_features_train.csv`` and the same with ``_test``. A row of the
    skeleton is an impression with the features of the item. The features of the user are written once, in the common
    features, under an index. Features are listed as ``field \x02 id \x03 value``, with ``\x01`` between them.

    Tasks, a funnel: ``click``, then ``conversion``. Rows that convert without a click are dropped, as by Xi et al.
    (AITM, KDD 2021, https://arxiv.org/abs/2105.08489); the fact ``conversions_without_click_dropped`` counts them.

    Inputs: the 18 fields of AITM, all of them ids. User: 101 (the user), 121, 122, 124 to 129. Item: 205 (the item),
    206 (category), 207 (shop), 216 (brand). Combinations: 508, 509, 702, 853. Context: 301 (position). The values
    beside the ids, and the fields of many values (109_14, 110_14, 127_14, 150_14, 210), are not read.

    Time and sessions: neither is published, so methods that need a session MDP are not applicable. The test part is the
    published one; validation is a random quarter of the training part.

    The whole log has 85 million rows, and memory grows with them. While a row is encoded, it is held twice as 18 ids of
    four bytes.
    """

    name, label = "ali-ccp", "Ali-CCP"
    folder = FOLDER
    publications = (
        api.Publication(
            page=PAGE,
            licence="the terms of use on its page",
            by_hand=(
                f"Sign in at {PAGE} (an Alibaba Cloud account), accept its terms and download sample_train.tar.gz and "
                f"sample_test.tar.gz. Unpack both into the folder {FOLDER} below the data folder, so that it holds "
                "sample_skeleton_train.csv, common_features_train.csv, sample_skeleton_test.csv and "
                "common_features_test.csv."
            ),
            facts={
                "raw_rows.train": 42_300_135,
                "raw_rows.test": 43_016_840,
                "rate.click": (0.037, 0.041),
                "rate.conversion": (0.0001, 0.0003),
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``ali-ccp``."""

        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """Skeleton and common features of both parts."""
        names = [f"{stem}_{part}.csv" for part in PARTS for stem in ("sample_skeleton", "common_features")]
        return _files.published(self, root, names)

    def load(self, root: Path) -> api.Log:
        """Read both parts, and join the common features to each row."""
        files = self.files(root)
        parts = [_part(*files[place : place + 2]) for place in (0, 2)]
        sizes = [len(rows) for rows in parts]
        frame = _files.concat(parts)
        frame["test"] = np.repeat([False, True], sizes)
        frame["user"] = frame["field_101"].cat.add_categories(NO_USER).fillna(NO_USER)
        impossible = (frame["conversion"] == 1) & (frame["click"] == 0)
        return api.Log(
            frame=frame[~impossible].reset_index(drop=True),
            tasks=api.funnel("click", "conversion"),
            categorical=[f"field_{number}" for number in (*USER_FIELDS, *ITEM_FIELDS)],
            user="user",
            user_inputs=[f"field_{number}" for number in USER_FIELDS],
            held_out="test",
            min_count=self.params.min_count,
            facts={
                **{f"raw_rows.{part}": size for part, size in zip(PARTS, sizes, strict=True)},
                "conversions_without_click_dropped": int(impossible.sum()),
            },
        )


def _part(skeleton: Path, common: Path) -> pd.DataFrame:
    """The rows of one part: labels, and the fields of item and user as categories."""
    labels = {"click": pa.int8(), "conversion": pa.int8()}
    types = {**labels, "common": _files.CATEGORY, "features": pa.string()}
    rows = _listed(skeleton, types, SKELETON, ITEM_FIELDS)
    users = _listed(common, {"common": pa.string(), "features": pa.string()}, COMMON, USER_FIELDS)
    index = rows.pop("common").array
    known = pd.Index(users["common"]).get_indexer(index.categories)
    if (known < 0).any():
        raise api.DataError(
            f"{skeleton} refers to common features {index.categories[known < 0][0]!r}, which {common} lacks; fetch "
            "both files of the same part again"
        )
    place = known[index.codes]
    for number in USER_FIELDS:
        rows[f"field_{number}"] = users[f"field_{number}"].array.take(place)
    return rows


def _listed(path: Path, types: dict[str, pa.DataType], names: tuple[str, ...], fields: tuple[str, ...]) -> pd.DataFrame:
    """The columns of a file, with the id of each field in place of the list of features."""
    blocks = []
    for block in _files.stream(path, types, names):
        kept = {name: block[name] for name in types if name != "features"}
        for name, column in kept.items():
            if column.null_count:
                raise api.DataError(f"{path} has a row without {name}; the file may be truncated: fetch it again")
        ids = {f"field_{number}": _id_of(number, block["features"]) for number in fields}
        blocks.append(pa.RecordBatch.from_pydict({**kept, **ids}))
    frame: pd.DataFrame = pa.Table.from_batches(blocks).unify_dictionaries().to_pandas(split_blocks=True)
    return frame


def _id_of(field: str, features: pa.Array) -> pa.Array:
    """The first id of ``field`` in each list of features; missing where there is none."""
    found = pc.extract_regex(features, pattern=rf"(?:^|\x01){field}\x02(?P<id>[^\x01-\x03]+)")
    return pc.struct_field(found, "id").dictionary_encode()
