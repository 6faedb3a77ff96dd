"""The key ``weight`` of a description."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from own_tables import DESCRIPTION, own_table

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets.table import Table

NOWHERE = Path("not read")
KEY = 'weight = "w"\n'


def splits(folder: Path, frame: pd.DataFrame, text: str = DESCRIPTION + KEY) -> api.Splits:
    frame.to_csv(folder / "my_log.csv", index=False)
    (folder / "my_log.toml").write_text(text)
    return build(Table(Table.Params(schema_=folder / "my_log.toml")).load(NOWHERE), "table", "key")


def test_a_column_of_the_table_weighs_its_rows(tmp_path: Path) -> None:
    frame = own_table().assign(w=lambda frame: (frame["time"] // 60 % 4) / 2)
    found = splits(tmp_path, frame)
    expected = frame.sort_values("time")["w"].to_numpy()
    weights = [split.weight for split in found.parts().values() if split.weight is not None]
    assert torch.cat(weights).tolist() == expected.tolist()
    assert "w" not in [field.name for field in found.schema.categorical] + list(found.schema.numerical)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-1", "column 'w' holds .*-1.* in row 4: a weight is a finite number of 0 or more"),
        ("", "column 'w' holds no value in row 4: give every row its weight, 0 where it is not to count"),
        ("inf", "column 'w' holds .*inf.* in row 4: a weight is a finite number"),
        ("much", "column 'w' holds 'much' in row 4, .*call for a number"),
    ],
)
def test_a_bad_weight_is_named_by_its_row(tmp_path: Path, value: str, message: str) -> None:
    frame = own_table()
    frame["w"] = ["1", "1", value, *["1"] * (len(frame) - 3)]
    with pytest.raises(api.DataError, match=message):
        splits(tmp_path, frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            DESCRIPTION + 'weight = "price"\n',
            "'price' gives the weights, and is used otherwise too: name it in `weight`",
        ),
        (DESCRIPTION + 'weight = "time"\n', "'time' gives the weights, and is used otherwise too"),
        (DESCRIPTION + 'weight = "click"\n', "'click' gives the weights and the label 'click': name another"),
        (DESCRIPTION + "weight = 2\n", '`weight` holds 2: .*write weight = "sample_weight"'),
    ],
)
def test_a_key_that_contradicts_others_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(api.DataError, match=message):
        splits(tmp_path, own_table(), text)
