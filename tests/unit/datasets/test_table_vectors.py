"""Columns of vectors in a user's own table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from own_tables import DESCRIPTION, own_table
from pyarrow import parquet

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets.table import Table

NOWHERE = Path("not read")
VECTORS = np.random.default_rng(0).normal(size=(300, 3))


def splits(folder: Path, column: pa.Array, line: str = 'vectors = ["text"]') -> api.Splits:
    """The splits of a Parquet file with one more column and one more line in the description."""
    table = pa.Table.from_pandas(own_table().sort_values("time"), preserve_index=False)
    parquet.write_table(table.append_column("text", column), folder / "my_log.parquet")
    (folder / "my_log.toml").write_text(DESCRIPTION.replace(".csv", ".parquet") + line + "\n")
    return build(Table(Table.Params(schema_=folder / "my_log.toml")).load(NOWHERE), "table", "key")


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 3)])
def test_lists_of_numbers_are_read_whatever_their_type(tmp_path: Path, kind: pa.DataType) -> None:
    rows = [None, *VECTORS[1:].tolist()]
    found = splits(tmp_path, pa.array(rows, kind))
    assert found.schema.vectors == (api.VectorField("text", 3),)
    seen = VECTORS[1:180]
    expected = (VECTORS[240:] - seen.mean(0)) / seen.std(0)
    np.testing.assert_allclose(found.test.vectors[0], expected, rtol=1e-4, atol=1e-5)
    assert found.train.vectors[0][0].tolist() == [0, 0, 0]


def test_whole_numbers_are_numbers_and_the_users_vectors_can_be_said(tmp_path: Path) -> None:
    rows = np.arange(600).reshape(300, 2).tolist()
    found = splits(tmp_path, pa.array(rows), 'vectors = "text"\nuser_inputs = ["text"]')
    assert found.schema.user_inputs == ("text",)
    assert found.train.vectors[0].shape == (180, 2)


@pytest.mark.parametrize(
    ("column", "line", "error"),
    [
        (pa.array(["a title"] * 300), 'vectors = ["text"]', r"'text' is string, .*pretrained model \(an embedding\)"),
        (pa.array([["a"]] * 300), 'vectors = ["text"]', "'text' is list<.*string>, and a vector is a list of numbers"),
        (pa.nulls(300), 'vectors = ["text"]', "'text' of vectors holds no vector at all: take it out"),
        (pa.array([[1.0, 2]] * 299 + [[1.0]]), 'vectors = ["text"]', r"holds \[1.0\] in row 300 .*2 numbers: give all"),
        (
            pa.array([[1.0, 2]] * 299 + [[1.0, np.inf]]),
            'vectors = ["text"]',
            r"inf\] in row 300 .*make its num",
        ),
        (
            pa.array([[1.0, 2]] * 300),
            'vectors = ["text"]\nbags = ["text"]',
            "in `vectors` and is used otherwise",
        ),
        (pa.array([[1.0, 2]] * 300), 'vectors = ["tex"]', r"no column 'tex' \(did you mean 'text'\?\)"),
        (pa.array([[1.0, 2]] * 300), 'vectors = ["price"]', "'price' stands twice among"),
        (pa.array([[1.0, 2]] * 300), "vectors = 3", r"`vectors` holds 3: .*write vectors = \[\"embedding\"\]"),
    ],
)
def test_what_is_no_vector_is_refused(tmp_path: Path, column: pa.Array, line: str, error: str) -> None:
    with pytest.raises(api.DataError, match=error):
        splits(tmp_path, column, line)


def test_a_vector_in_a_csv_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    own_table().assign(text="[1.0, 2.0]").to_csv(tmp_path / "my_log.csv", index=False)
    (tmp_path / "my_log.toml").write_text(DESCRIPTION + 'vectors = ["text"]\n')
    with pytest.raises(api.DataError, match=r"'text' is string, .*write it to Parquet as a column of lists"):
        Table(Table.Params(schema_=tmp_path / "my_log.toml")).load(NOWHERE)


def test_long_vectors_are_cut_short_in_a_message(tmp_path: Path) -> None:
    rows = [np.zeros(500).tolist()] * 299 + [np.ones(499).tolist()]
    with pytest.raises(api.DataError) as caught:
        splits(tmp_path, pa.array(rows))
    assert len(str(caught.value)) < 500
