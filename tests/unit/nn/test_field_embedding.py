"""One table for all fields, one vector for all numerical inputs."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mtlbench.api import Field, Inputs, Schema, Task
from mtlbench.nn import FieldEmbedding
from mtlbench.nn.embedding import distinct_rows


def make_schema(cardinalities: list[int], numerical: int) -> Schema:
    fields = tuple(Field(f"field{f}", cardinality) for f, cardinality in enumerate(cardinalities))
    return Schema(fields, tuple(f"number{n}" for n in range(numerical)), (Task("click"),), sessions=False)


def draw(schema: Schema, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    columns = [torch.randint(field.cardinality, (rows, 1), dtype=torch.int32) for field in schema.categorical]
    categorical = torch.cat([torch.empty(rows, 0, dtype=torch.int32), *columns], dim=1)
    return Inputs(categorical, torch.randn(rows, len(schema.numerical)))


@given(
    cardinalities=st.lists(st.integers(1, 9), max_size=5),
    numerical=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_is_one_table_per_field_and_one_projection_of_all_numbers(cardinalities: list[int], numerical: int, seed: int):
    if not cardinalities and not numerical:
        return
    torch.manual_seed(seed)
    schema = make_schema(cardinalities, numerical)
    embedding = FieldEmbedding(schema, 3)
    inputs = draw(schema, 6)
    categorical, numbers = inputs.categorical, inputs.numerical
    tables = embedding.weight.split(cardinalities) if cardinalities else []
    expected = [F.embedding(categorical[:, f], table) for f, table in enumerate(tables)]
    if numerical:
        expected.append(numbers @ embedding.numerical.weight.T + embedding.numerical.bias)
    embedded = embedding(inputs)
    assert embedding.tokens == len(expected)
    assert embedding.width == embedded.shape[1] == 3 * len(expected)
    torch.testing.assert_close(embedded, torch.cat(expected, dim=1))
    torch.testing.assert_close(embedding.mean(embedded), torch.stack(expected).mean(0))


def test_int32_and_int64_ids_give_the_same_vectors_and_gradients():
    schema = make_schema([5, 7], 2)
    embedding = FieldEmbedding(schema, 4)
    inputs = draw(schema, 30)
    narrow, wide = embedding(inputs), embedding(replace(inputs, categorical=inputs.categorical.long()))
    assert torch.equal(narrow, wide)
    upstream = torch.randn_like(narrow)
    gradients = [torch.autograd.grad(out, embedding.weight, upstream)[0] for out in (narrow, wide)]
    assert torch.equal(*gradients)


def test_a_gradient_touches_only_the_rows_read_index_zero_included():
    schema = make_schema([4, 3], 0)
    embedding = FieldEmbedding(schema, 2)
    embedding(Inputs(torch.tensor([[0, 2], [3, 2]]), torch.empty(2, 0))).sum().backward()
    assert embedding.weight.grad.any(dim=1).tolist() == [True, False, False, True, False, False, True]


def test_an_id_outside_its_table_is_an_error():
    embedding = FieldEmbedding(make_schema([4, 3], 0), 2)
    with pytest.raises(IndexError):
        embedding(Inputs(torch.tensor([[0, 3]]), torch.empty(1, 0)))


@given(seed=st.integers(0, 1000), rows=st.integers(0, 40), fields=st.integers(1, 3), size=st.integers(1, 60))
def test_distinct_rows_are_those_of_a_sort(seed: int, rows: int, fields: int, size: int):
    index = torch.randint(size, (rows, fields), generator=torch.Generator().manual_seed(seed), dtype=torch.int32)
    expected, position = index.unique(return_inverse=True)
    found, number = distinct_rows(index, size)
    assert torch.equal(found, expected.long())
    assert number.dtype == torch.int32
    assert torch.equal(number, position.int())
