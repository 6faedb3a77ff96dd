"""Inner products of gradients, parameter by parameter."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

LONG = 8192
"""Where torch may multiply float32 matrices by another library (``torch.set_float32_matmul_precision``), it multiplies
vectors from about this length on by that library too, one number after the other. One product of matrices with the
vectors as columns then has the same order of summation, so the same bits, in half the time for six."""


def inner_products(pairs: Iterable[tuple[Sequence[Tensor], Sequence[Tensor]]]) -> Tensor:
    """Inner products (P, K, L) of K tensors with L others for each of P parameters, in their own type.

    Where the two sequences are one, each pair is multiplied once. The products of one parameter are made one after the
    other, because they read the same numbers.
    """
    return torch.stack([_of_parameter(one, other) for one, other in pairs])


def _of_parameter(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    rows = [tensor.flatten() for tensor in one]
    if one is not other:
        columns = [tensor.flatten() for tensor in other]
        return torch.stack([torch.dot(row, column) for row in rows for column in columns]).view(len(rows), -1)
    if len(rows) > 2 and len(rows[0]) >= LONG and torch.get_float32_matmul_precision() != "highest":
        columns_of = torch.stack(rows, dim=1)
        return columns_of.t() @ columns_of
    made = {(i, j): torch.dot(row, rows[j]) for i, row in enumerate(rows) for j in range(i, len(rows))}
    numbers = range(len(rows))
    return torch.stack([made[min(i, j), max(i, j)] for i in numbers for j in numbers]).view(len(rows), -1)
