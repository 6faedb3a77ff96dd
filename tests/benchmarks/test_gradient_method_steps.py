"""Cost of a training step under weightings of task gradients against one under constant weights.

Run with ``OMP_NUM_THREADS=1 pytest tests/benchmarks/test_gradient_method_steps.py --benchmark-only -s``. The
machine's load changes while it runs, so before every round of a method a constant step is timed, and the median of
the ratios is printed; the table has the times. The sizes are the paper's: shared-bottom, batches of 2048 with 7
fields of 83,000 ids and one number, embedding 128, bottom 512-256, towers 128-64, two tasks. A batch reads some 4750
distinct rows, ids being distributed as 1/rank in each field. A step of K tasks goes K times backward through what
they share, so for two tasks about 5/3 of the arithmetic of a constant step is the least there is where everything is
shared; the forward pass, the towers, and the embedding's optimiser are paid once.
"""

import itertools
import math
import os
import statistics
import time
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.plugins import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.descent import descent
from mtlbench.training.seeding import seeded

BATCH = 2048
BATCHES = 20
ROUNDS = 40
CARDINALITIES = (60_000, 12_000, 6_000, 3_000, 1_500, 400, 100)
SIZES = {"embedding": 128, "bottom": (512, 256), "tower": (128, 64)}
METHODS = ("constant", "pcgrad", "mgda", "cagrad", "upgrad", "nash-mtl")
CATALOGUE = discover(())


def splits() -> api.Splits:
    """Rows without structure: only their number and their ids matter for the cost."""
    random, rows = torch.Generator().manual_seed(0), BATCH * BATCHES
    fields = tuple(api.Field(f"field {f}", size) for f, size in enumerate(CARDINALITIES))
    schema = api.Schema(fields, ("number",), ("click", "conversion"), "funnel", sessions=False)
    ranks = [(torch.rand(rows, generator=random) * math.log(size)).exp() - 1 for size in CARDINALITIES]
    labels = (torch.rand(rows, 2, generator=random) < torch.tensor([0.3, 0.1])).float()
    row = torch.arange(rows)
    split = api.Split(
        categorical=torch.stack(ranks, dim=1).int(),
        numerical=torch.randn(rows, 1, generator=random),
        labels=labels,
        timestamp=row,
        session=row,
        user=row,
        position=torch.zeros_like(row),
        next_row=row,
        done=torch.ones_like(row, dtype=torch.bool),
    )
    return api.Splits(schema, split, split, split, fingerprint="benchmark", facts={})


def training_step(name: str, data: api.Splits) -> Callable[[], None]:
    """One step of training under the weighting ``name``, on the next batch."""
    cls, weighting = CATALOGUE.backbones["shared-bottom"].cls, CATALOGUE.weightings[name].cls
    with seeded(0, "initial parameters"):
        backbone = cls(data.schema, cls.Params(**SIZES))
    trainer = BackboneTrainer(backbone, data, Training(batch_size=BATCH), 0)
    method = weighting(weighting.Params())
    method.setup(trainer)
    descend = descent(method, backbone, trainer._optimiser, trainer._probe)
    batches = itertools.cycle(trainer.minibatches("train", 1))

    def step() -> None:
        found = trainer.step(next(batches))
        descend(found)
        method.after_step(found)

    return step


@pytest.fixture(scope="module")
def data() -> api.Splits:
    return splits()


@pytest.mark.benchmark(group="a training step at the paper's sizes")
@pytest.mark.parametrize("name", METHODS)
def test_training_step(benchmark: BenchmarkFixture, name: str, data: api.Splits) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    constant, step = training_step("constant", data), training_step(name, data)
    for _ in range(BATCHES):
        constant()
        step()
    before: list[float] = []
    after: list[float] = []

    def timed(run: Callable[[], None], times: list[float]) -> None:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)

    benchmark.pedantic(lambda: timed(step, after), setup=lambda: timed(constant, before), rounds=ROUNDS)
    ratio = statistics.median(method / plain for method, plain in zip(after, before, strict=True))
    benchmark.extra_info.update(name=name, ratio_to_constant=ratio)
    print(f"\n{name}: {ratio:.3f} times a constant step")
