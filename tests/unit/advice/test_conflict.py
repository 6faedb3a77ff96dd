"""Whether tasks conflict, measured on the way to the network that is kept."""

import math
from pathlib import Path

import pytest
import torch

from mtlbench.advice import conflict
from mtlbench.advice.conflict import cosines, pairs_on_the_way
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
    first, second = torch.tensor([[4.0, -2.0], [-2.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 9.0]])
    [pair] = cosines([first, second, torch.tensor([[1.0, 0.0], [0.0, 0.0]])], ("a", "b"))
    assert (pair.tasks, pair.cosine, pair.conflicts) == (("a", "b"), -0.25, 0.5)
    assert pair.error == pytest.approx(math.sqrt(0.125) / math.sqrt(2))
    assert cosines([first], ("a", "b")) == []


def test_unrelated_tasks_conflict_and_agreeing_or_opposite_ones_do_not() -> None:
    mean = {}
    for opposed in (0.0, 0.5, 1.0):
        model, splits, cell = made(f"synthetic[rows=6000,tasks=3,kinds=real,conflict={opposed}]")
        pairs = pairs_on_the_way(model, splits, cell, "train", best=30)
        assert [pair.tasks for pair in pairs] == [("real_1", "real_2"), ("real_1", "real_3"), ("real_2", "real_3")]
        mean[opposed] = sum(pair.cosine for pair in pairs) / len(pairs)
    assert mean[0.0] > 0.3
    assert mean[0.5] < 0.15
    assert mean[1.0] > 0.2  # the towers turn the sign: opposite tasks want the same of the layers below


def test_the_way_is_that_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model, splits, cell = made("synthetic[rows=1500,tasks=3]", epochs=2)
    trainer = BackboneTrainer(network(splits, cell), splits, cell.training, cell.seed)
    trainer.train(discover([]).create("weighting", cell.weighting))
    best = trainer.best_epoch["train"]
    monkeypatch.setattr(conflict, "WINDOW", (0, 1))
    pairs_on_the_way(model, splits, cell, "train", best)
    ours, theirs = model.state()[0], trainer.backbone.state_dict()
    assert best > 0
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_nothing_is_compared_where_nothing_is_shared() -> None:
    model, splits, cell = made("synthetic[rows=1500,tasks=3]", epochs=1, backbone="single-task")
    assert pairs_on_the_way(model, splits, cell, "train", 1) == []


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
