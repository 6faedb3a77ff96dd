"""A training step with two bags of 20 ids against the step without, and what empty places of a bag cost.

Run with ``pytest tests/benchmarks/test_bag_steps.py -n 0 -m '' --benchmark-only -s``. Sizes are those of the paper:
batches of 2048, 7 fields with 83,000 ids, embedding 128; one thread. Wanted is at most 1.6 times the step without.
"""

from collections.abc import Callable
from unittest import mock

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side

from mtlbench.api import Bag, BagField, Pooling
from mtlbench.benchmarking import workload
from mtlbench.benchmarking.interleaved import InterleavedWorker
from mtlbench.benchmarking.timed_work import BATCHES, UNBOUNDED
from mtlbench.benchmarking.workload import CARDINALITIES
from mtlbench.cells import Training
from mtlbench.config.specs import resolve
from mtlbench.discovery import discover
from mtlbench.experiments.process import prepare_process
from mtlbench.nn import embedding
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded

IDS = 20
PLACES = 50
WARM_UP = 10
TURN = 2
ROUNDS = 10


def two_bags(pooling: Pooling, length: int) -> tuple[BagField, ...]:
    """A history of items with their embeddings, as the second field, and tags of their own."""
    tags = BagField("tags", 1_000, length, "mean")
    items = BagField("items", CARDINALITIES[1], length, pooling, of="field 1")
    return (items, tags if pooling == "mean" else BagField("seen", CARDINALITIES[2], length, pooling, of="field 2"))


def stepping(backbone: str, bags: tuple[BagField, ...], trims: bool, pace: Callable[[], None]) -> None:
    """Train on bags of at most ``IDS`` ids; ``trims`` cuts the places that no row of a batch fills."""
    prepare_process(torch.device("cpu"))
    torch.set_num_threads(1)
    catalogue = discover(())
    splits = workload(BATCHES * 2048, bags=bags)
    for split in splits.parts().values():
        held = tuple(Bag(bag.ids, bag.lengths.clamp(max=IDS)) for bag in split.bags)
        object.__setattr__(split, "bags", held)
    with seeded(0, "initial parameters"):
        network = catalogue.create(
            "backbone", resolve(catalogue, "backbone", backbone, {}, "paper").spec, splits.schema
        )
    training = Training(epochs=UNBOUNDED, patience=UNBOUNDED, batch_size=2048)
    trainer = BackboneTrainer(network, splits, training, 0, progress=lambda *_: pace())
    constant = catalogue.get("weighting", "constant").cls
    with mock.patch.object(embedding, "trimmed", embedding.trimmed if trims else lambda bag: bag):
        constant(constant.Params()).fit(trainer)


def ratio_of(benchmark: BenchmarkFixture, ours: tuple, reference: tuple) -> float:  # type: ignore[type-arg]
    """How many times the seconds of ``reference`` a step of ``ours`` takes."""
    with InterleavedWorker(stepping, *ours) as own, InterleavedWorker(stepping, *reference) as theirs:
        own.take_turn(WARM_UP)
        theirs.take_turn(WARM_UP)
        return 1 / side_by_side(benchmark, lambda: own.take_turn(TURN), lambda: theirs.take_turn(TURN), ROUNDS)


@pytest.mark.benchmark(group="a step with two bags of 20 over one without")
@pytest.mark.parametrize("pooling", ["mean", "attention"])
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
def test_two_bags_of_20(benchmark: BenchmarkFixture, backbone: str, pooling: Pooling) -> None:
    ratio = ratio_of(benchmark, (backbone, two_bags(pooling, IDS), True), (backbone, (), True))
    print(f"\n{backbone}, {pooling}: two bags of {IDS} cost {ratio:.2f} times the step without")


@pytest.mark.benchmark(group="a step that cuts 50 places to the 20 that are filled, over one that does not")
@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_empty_places_are_cut(benchmark: BenchmarkFixture, pooling: Pooling) -> None:
    bags = two_bags(pooling, PLACES)
    ratio = ratio_of(benchmark, ("shared-bottom", bags, True), ("shared-bottom", bags, False))
    print(f"\nshared-bottom, {pooling}: {PLACES} places cut to {IDS} cost {ratio:.2f} times all of them")
