"""Columns of vectors: standardised by the training rows, kept, read back and projected, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from logs import small_log

from mtlbench.api import DataError, Inputs, Log, Schema, Task, VectorField
from mtlbench.data import store
from mtlbench.data.building import build
from mtlbench.nn import FieldEmbedding


def with_vectors(vectors: list[Any], **changes: Any) -> Log:
    log = small_log(rows=len(vectors), vectors=["text"], **changes)
    log.frame["text"] = pd.Series(vectors, dtype=object).to_numpy()
    return log


def drawn(rows: int) -> list[Any]:
    return list(np.random.default_rng(0).normal(3, 2, size=(rows, 4)))


def test_each_number_is_standardised_on_the_training_rows_and_read_back(tmp_path: Path) -> None:
    vectors = drawn(100)
    vectors[5], vectors[6] = None, vectors[6].tolist()
    log = with_vectors(vectors)
    splits = build(log, "my-log", "key")
    assert splits.schema.vectors == (VectorField("text", 4),)
    in_order = log.frame.sort_values("time", kind="stable")
    rows = np.array([[np.nan] * 4 if one is None else one for one in in_order["text"]])
    expected = (rows - np.nanmean(rows[:60], axis=0)) / np.nanstd(rows[:60], axis=0)
    found = torch.cat([split.vectors[0] for split in splits.parts().values()]).numpy()
    np.testing.assert_allclose(found, np.nan_to_num(expected), atol=1e-5)
    with store.scratch(tmp_path) as folder:
        stored = store.write(tmp_path / "entry", splits, "key", folder)
    again = store.read(tmp_path / "entry", "key")
    for other in (stored, again):
        assert other is not None
        assert other.schema == splits.schema
        for one, two in zip(other.parts().values(), splits.parts().values(), strict=True):
            assert all(a.equal(b) for a, b in zip(one.inputs.tensors(), two.inputs.tensors(), strict=True))
    assert splits.fingerprint != "key"


def test_inputs_are_put_together_again_with_bags_and_vectors() -> None:
    rows = 3
    bag = [torch.zeros(rows, 2, dtype=torch.int32), torch.ones(rows, dtype=torch.int32)]
    single = [torch.zeros(rows, 1, dtype=torch.int32), torch.zeros(rows, 0)]
    tensors = [*single, *bag, torch.ones(rows, 4), torch.ones(rows, 2)]
    inputs = Inputs.of(tensors)
    assert len(inputs.bags) == 1
    assert [vectors.shape[1] for vectors in inputs.vectors] == [4, 2]
    assert all(map(torch.equal, inputs[:2].tensors(), (tensor[:2] for tensor in tensors)))


def test_a_column_of_vectors_is_one_token_that_is_its_projection() -> None:
    torch.manual_seed(0)
    vectors = (VectorField("a", 4), VectorField("b", 2))
    schema = Schema((), ("price",), (Task("click"),), sessions=False, vectors=vectors)
    embedding = FieldEmbedding(schema, 3)
    nothing = torch.empty(5, 0, dtype=torch.int32)
    inputs = Inputs(nothing, torch.randn(5, 1), (), (torch.randn(5, 4), torch.randn(5, 2)))
    one, two = (project(vector) for project, vector in zip(embedding.vectors, inputs.vectors, strict=True))
    assert embedding.tokens == 3
    expected = torch.cat([one, two, embedding.numerical(inputs.numerical)], dim=1)
    torch.testing.assert_close(embedding(inputs), expected)


@pytest.mark.parametrize(
    ("row", "changes", "error"),
    [
        ([1.0], {}, r"'text' of vectors holds \[1.0\] in line 7 .*the first vector has 4 numbers: give all as many"),
        ([1.0, 2, np.inf, 0], {}, r"holds \[.*inf.*\] in line 7 .*make its numbers finite, or leave the vector out"),
        ("a title", {}, r"holds 'a title' in line 7 .*pretrained model \(an embedding\).*name that in `vectors`"),
        (["a", "b", "c", "d"], {}, "'text' of vectors cannot be read: .*give lists of numbers"),
        ([1.0, 2, 3, 1e300], {}, r"'text' of vectors holds .* in line 7 .*1e\+15 times smaller: correct it"),
        ([1.0, 2, 3, 4], {"numerical": ["text"]}, "'text' is named twice"),
    ],
)
def test_what_is_no_vector_is_refused_with_its_row(row: Any, changes: dict[str, Any], error: str) -> None:
    vectors = drawn(60)
    vectors[7] = row
    log = with_vectors(vectors, place="line {}".format, **changes)
    log.frame = log.frame.sort_values("row").reset_index(drop=True)
    log.frame["text"] = pd.Series(vectors, dtype=object)
    with pytest.raises(DataError, match=error):
        build(log, "my-log", "key")


def test_a_column_without_any_vector_is_refused() -> None:
    with pytest.raises(DataError, match="'text' of vectors holds no vector at all: take it out"):
        build(with_vectors([None] * 60), "my-log", "key")
