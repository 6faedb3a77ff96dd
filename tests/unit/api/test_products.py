"""Inner products of gradients: the same however torch multiplies matrices, and its settings stay as they were."""

from collections.abc import Iterator

import pytest
import torch

from mtlbench import api
from mtlbench.api.products import inner_products


@pytest.fixture(params=["highest", "medium"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


def gradients(tasks: int) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(tasks)
    return tuple(torch.randn(37, 41, generator=random) for _ in range(tasks))


def test_products_are_those_of_the_flat_gradients(precision: str):
    own, others = gradients(4), gradients(3)
    found = inner_products([(own, own), (own, own)])
    assert torch.equal(found[0], found[1])
    flat = torch.stack(own).double().flatten(1)
    torch.testing.assert_close(found[0].double(), flat @ flat.T, rtol=1e-5, atol=1e-3)
    between = inner_products([(own, others)])
    expected = flat @ torch.stack(others).double().flatten(1).T
    torch.testing.assert_close(between[0].double(), expected, rtol=1e-5, atol=1e-3)
    assert torch.get_float32_matmul_precision() == precision


def test_a_gram_matrix_does_not_depend_on_how_matrices_are_multiplied(precision: str):
    gram = api.SharedGradients({"one": gradients(3), "two": gradients(3)}).gram
    torch.set_float32_matmul_precision("highest")
    assert torch.equal(gram, api.SharedGradients({"one": gradients(3), "two": gradients(3)}).gram)
    assert torch.equal(gram, gram.T)


def test_the_precision_comes_back_after_an_error(precision: str):
    with pytest.raises(RuntimeError):
        inner_products([((torch.ones(2),), (torch.ones(3),))])
    assert torch.get_float32_matmul_precision() == precision
