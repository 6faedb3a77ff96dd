"""Rows without structure: only their number, their ids and their sessions matter for the cost of training."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mtlbench.api import Bag, BagField, Field, Schema, Split, Splits, Task, funnel

CARDINALITIES = (60_000, 12_000, 6_000, 3_000, 1_500, 400, 100)
"""Ids of each categorical field: 83,000 in all."""
RATES = (0.3, 0.1)
"""Share of positive labels of the tasks, in turn."""
SESSION_STARTS = 0.25
"""Share of rows that begin a session: sessions of four rows on average."""
VALIDATION_ROWS = 256
"""Enough for a defined AUC; how long evaluation takes is not what is measured."""


def workload(
    rows: int,
    cardinalities: Sequence[int] = CARDINALITIES,
    seed: int = 0,
    bags: Sequence[BagField] = (),
    tasks: int = len(RATES),
) -> Splits:
    """Generated splits of the size that papers of this field train on.

    Categorical fields of ``cardinalities`` ids, which occur as 1/rank, one numerical input, a funnel of two tasks or
    ``tasks`` others, and sessions. A batch of 2048 rows then reads some 4750 distinct ids.

    Args:
        rows: of the training split; the others have ``VALIDATION_ROWS``.
        cardinalities: ids of each field.
        seed: of the generator.
        bags: bags to read beside them, each full, of ids that occur as 1/rank too.
        tasks: binary ones; two are a funnel.
    """
    fields = tuple(Field(f"field {number}", size) for number, size in enumerate(cardinalities))
    two = tasks == len(RATES)
    labels = funnel("click", "conversion") if two else tuple(Task(f"task {number}") for number in range(1, tasks + 1))
    schema = Schema(fields, ("number",), labels, sessions=True, bags=tuple(bags))
    sizes = (rows, VALIDATION_ROWS, VALIDATION_ROWS)
    train, validation, test = (_split(size, cardinalities, seed + part, bags, tasks) for part, size in enumerate(sizes))
    return Splits(schema, train, validation, test, fingerprint="benchmark", facts={})


def _split(rows: int, cardinalities: Sequence[int], seed: int, bags: Sequence[BagField], tasks: int) -> Split:
    random = torch.Generator().manual_seed(seed)
    ids = [_ids((rows,), size, random) for size in cardinalities]
    starts = torch.rand(rows, generator=random) < SESSION_STARTS
    starts[:1] = True
    session = starts.cumsum(0) - 1
    rates = torch.tensor([RATES[task % len(RATES)] for task in range(tasks)])
    row = torch.arange(rows)
    done = torch.cat([starts[1:], torch.ones(1, dtype=torch.bool)])
    return Split(
        categorical=torch.stack(ids, dim=1),
        numerical=torch.randn(rows, 1, generator=random),
        labels=(torch.rand(rows, tasks, generator=random) < rates).float(),
        timestamp=row,
        session=session,
        user=session,
        position=row - starts.nonzero().squeeze(1)[session],
        next_row=torch.where(done, row, row + 1),
        done=done,
        bags=tuple(
            Bag(_ids((rows, bag.length), bag.cardinality, random), torch.full((rows,), bag.length, dtype=torch.int32))
            for bag in bags
        ),
    )


def _ids(shape: tuple[int, ...], size: int, random: torch.Generator) -> Tensor:
    """Ids below ``size`` that occur as 1/rank."""
    return ((torch.rand(shape, generator=random) * math.log(size)).exp() - 1).int()
