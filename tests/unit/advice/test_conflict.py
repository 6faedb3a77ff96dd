"""Whether tasks conflict, measured on the way to the network that is kept."""

import math
from pathlib import Path

import pytest
import torch

from mtlbench.advice import conflict
from mtlbench.advice.conflict import FEWEST, MOST, cosines, cosines_on_the_way
from mtlbench.advice.facts import facts_of
from mtlbench.advice.measuring import Measured
from mtlbench.advice.troubles import troubles
from mtlbench.api import Splits
from mtlbench.cells import Cell
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.expand import expand
from mtlbench.experiments.run_cell import load_splits
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded
from mtlbench.training.trainer import BackboneTrainer


def test_cosines_are_those_of_the_inner_products_and_empty_batches_do_not_count() -> None:
    first, second = torch.tensor([[4.0, 3.0], [3.0, 9.0]]), torch.tensor([[1.0, -1.0], [-1.0, 4.0]])
    found = cosines([first, second, torch.tensor([[1.0, 0.0], [0.0, 0.0]])], ("a", "b"))
    assert found is not None
    assert found.worst.tasks == ("a", "b")
    assert (found.mean, found.error, found.batches) == (found.worst.cosine, found.worst.error, 2)
    assert found.mean == pytest.approx((0.5 - 0.5) / 2)
    assert found.error == pytest.approx(math.sqrt(0.5) / math.sqrt(2))
    assert found.worst.conflicts == 0.5
    assert cosines([first], ("a", "b")) is None


def test_the_mean_is_over_the_pairs_of_each_batch() -> None:
    agree, oppose = torch.ones(3, 3), torch.tensor([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    found = cosines([agree, oppose], ("a", "b", "c"))
    assert found is not None
    assert found.mean == pytest.approx((1 - 1 / 3) / 2)
    assert found.error == pytest.approx((1 + 1 / 3) / 2)  # the deviation of two numbers is their distance over sqrt(2)
    assert found.worst.tasks == ("a", "c")


@pytest.mark.parametrize(("opposed", "best", "conflict"), [(0.1, 20, False), (0.5, 39, True), (0.9, 29, False)])
def test_unrelated_tasks_conflict_and_agreeing_or_opposite_ones_do_not(
    opposed: float, best: int, conflict: bool
) -> None:
    """The towers turn the sign, so opposite tasks want the same of what they share."""
    model, splits, cell = made(f"synthetic[rows=20000,tasks=4,kinds=mixed,rarest=0.3,conflict={opposed}]")
    found = cosines_on_the_way(model, splits, cell, "train", best)
    assert found is not None
    assert found.batches == MOST
    measured = Measured("c", 1.0, 1.0, {}, {}, {}, {}, found)
    assert ("conflict" in troubles(facts_of(splits), measured)) == conflict


def test_the_way_is_that_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model, splits, cell = made("synthetic[rows=1500,tasks=3]", epochs=2)
    trainer = BackboneTrainer(network(splits, cell), splits, cell.training, cell.seed)
    trainer.train(discover([]).create("weighting", cell.weighting))
    best = trainer.best_epoch["train"]
    monkeypatch.setattr(conflict, "WINDOW", (0, 1))
    cosines_on_the_way(model, splits, cell, "train", best)
    ours, theirs = model.state()[0], trainer.backbone.state_dict()
    assert best > 0
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_short_way_is_looked_at_longer_and_one_batch_shows_nothing() -> None:
    model, splits, cell = made("synthetic[rows=8000,tasks=3]")  # five batches
    found = cosines_on_the_way(model, splits, cell, "train", best=2)
    assert found is not None
    assert found.batches == FEWEST
    model, splits, cell = made("synthetic[rows=1500,tasks=3]")  # one batch
    assert cosines_on_the_way(model, splits, cell, "train", best=1) is None


def test_nothing_is_compared_where_nothing_is_shared() -> None:
    model, splits, cell = made("synthetic[rows=1500,tasks=3]", epochs=1, backbone="single-task")
    assert cosines_on_the_way(model, splits, cell, "train", 1) is None


def made(log: str, epochs: int = 30, backbone: str = "shared-bottom") -> tuple[Model, Splits, Cell]:
    """An initial network, the log, and the cell of constant weights."""
    flags = {"datasets": [log], "backbones": [backbone], "weightings": ["constant"], "seeds": 1, "epochs": epochs}
    plan = Study.load(flags={**flags, "out": Path("results")}).resolve(discover([]))
    splits = load_splits(discover([]), plan.datasets[0].spec, plan.settings)
    cell = next(iter(expand(plan, discover([])))).cell
    return Model(network(splits, cell), splits, cell.training), splits, cell


def network(splits: Splits, cell: Cell) -> torch.nn.Module:
    """As the cell begins with it."""
    with seeded(cell.seed, "initial parameters"):
        return discover([]).create("backbone", cell.backbone, splits.schema)
