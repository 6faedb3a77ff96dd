"""Cost of one training step of an embedding table against its number of rows: ours stays flat, dense Adam's grows.

Run with ``OMP_NUM_THREADS=1 pytest tests/benchmarks/test_embedding_step.py --benchmark-only``. A step is lookup,
backward and update of a batch of 2048 by 7 fields that reads 4096 distinct rows, whatever the size of the table: what
a batch of the paper's data reads, and all of it rows that were last read some hundred steps before.
"""

import itertools
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.training.embeddings.algorithms import EMBEDDING_OPTIMISERS, embedding_optimiser

BATCH = 2048
FIELDS = 7
DISTINCT = 4096
WARM_UP = 200
SIZES = [
    (rows, 16, kind) for rows in (10**4, 10**5, 10**6, 10**7) for kind in (*sorted(EMBEDDING_OPTIMISERS), "dense")
] + [(rows, 128, kind) for rows in (83_000, 10**6) for kind in ("adam", "dense")]


def batches(rows: int, count: int) -> list[Tensor]:
    """``count`` batches (BATCH, FIELDS) of row numbers, each of DISTINCT rows spread over the table."""
    random = torch.Generator().manual_seed(0)
    spacing = rows // DISTINCT
    result = []
    for _ in range(count):
        distinct = torch.arange(DISTINCT) * spacing + torch.randint(0, spacing, (DISTINCT,), generator=random)
        again = torch.randint(0, DISTINCT, (BATCH * FIELDS - DISTINCT,), generator=random)
        places = torch.cat([distinct, distinct[again]])
        result.append(places[torch.randperm(len(places), generator=random)].view(BATCH, FIELDS))
    return result


def table(rows: int, width: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(rows, width).normal_(std=0.01))


def sparse_step(kind: str, rows: int, width: int, upstream: Tensor) -> Callable[[Tensor], None]:
    optimiser = embedding_optimiser(kind, table(rows, width), 1e-3)

    def step(index: Tensor) -> None:
        read = optimiser.prepare(index)
        F.embedding(read.position, read.values).backward(upstream)
        optimiser.step()

    return step


def dense_step(rows: int, width: int, upstream: Tensor) -> Callable[[Tensor], None]:
    weight = table(rows, width)
    optimiser = torch.optim.Adam([weight], fused=True)

    def step(index: Tensor) -> None:
        optimiser.zero_grad()
        F.embedding(index, weight).backward(upstream)
        optimiser.step()

    return step


@pytest.mark.parametrize(("rows", "width", "kind"), SIZES)
def test_embedding_step(benchmark: BenchmarkFixture, rows: int, width: int, kind: str) -> None:
    upstream = 1e-5 * torch.randn(BATCH, FIELDS, width)
    step = dense_step(rows, width, upstream) if kind == "dense" else sparse_step(kind, rows, width, upstream)
    read = batches(rows, WARM_UP)
    for index in read[:2] if kind == "dense" else read:
        step(index)
    following = itertools.cycle(read)
    rounds = 7 if kind == "dense" else 60
    benchmark.extra_info.update(rows=rows, width=width, kind=kind)
    benchmark.pedantic(step, setup=lambda: ((next(following),), {}), rounds=rounds)
