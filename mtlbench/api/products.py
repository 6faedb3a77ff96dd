"""Inner products of gradients, parameter by parameter."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def inner_products(pairs: Iterable[tuple[Sequence[Tensor], Sequence[Tensor]]]) -> Tensor:
    """Inner products (P, K, L) of K tensors with L others for each of P parameters, in their own type.

    Where the two sequences are one, each pair is multiplied once. The products of one parameter are made one after the
    other, because they read the same numbers.
    """
    with _of_vectors():
        return torch.stack([_of_parameter(one, other) for one, other in pairs])


def _of_parameter(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    rows = [tensor.flatten() for tensor in one]
    if one is not other:
        columns = [tensor.flatten() for tensor in other]
        return torch.stack([torch.dot(row, column) for row in rows for column in columns]).view(len(rows), -1)
    made = {(i, j): torch.dot(row, rows[j]) for i, row in enumerate(rows) for j in range(i, len(rows))}
    numbers = range(len(rows))
    return torch.stack([made[min(i, j), max(i, j)] for i in numbers for j in numbers]).view(len(rows), -1)


@contextmanager
def _of_vectors() -> Iterator[None]:
    """Let torch multiply vectors as BLAS does.

    Where matrices may be multiplied with another library (``torch.set_float32_matmul_precision``), so are vectors, and
    a product of two vectors then takes ten times as long.
    """
    before = torch.get_float32_matmul_precision()
    if before == "highest":
        yield
        return
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
