"""A results folder of many synthetic records, each as large as a real one, without training."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from record_factory import TASKS, plugin, record

from mtlbench.records import Epoch, Record

BACKBONES = [plugin(f"backbone-{i}", f"Backbone {i}", bottom=[512, 256], experts=8) for i in range(8)]
WEIGHTINGS = [plugin("constant", "Constant"), *(plugin(f"w{i}", f"W{i}", rate=i / 10, clock="step") for i in range(29))]
SEEDS, EPOCHS = 10, 4
METRICS = ("auc", "logloss", "s_logloss", "gauc", "gauc_coverage", "normalised_entropy", "calibration")
WEIGHTS = ("mean", "min", "q05", "q50", "q95", "max")
FACTS = {f"rate.{split}.{task}": 0.25 for split in ("train", "validation", "test") for task in TASKS}
ENVIRONMENT = {
    "mtlbench": "0.1.0",
    "git": "0" * 40,
    "python": "3.12.4",
    "torch": "2.9.0",
    "platform": "Linux-6.8.0-x86_64-with-glibc2.39",
    "processor": "Some CPU",
    "cores": 16,
    "threads": 1,
    "device": "cpu",
    "utc": "2026-01-01T00:00:00+00:00",
}


def write_many(folder: Path, count: int, seeds: int = SEEDS) -> None:
    """Write :func:`many_records` to the results folder ``folder``, without waiting for the disk."""
    place = folder / "records"
    place.mkdir(parents=True)
    for made in many_records(count, seeds):
        (place / f"{stem_of(made)}.json").write_bytes(f"{made.model_dump_json(indent=1)}\n".encode())


def stem_of(made: Record) -> str:
    names = made.dataset.name, made.backbone.name, made.weighting.name
    return f"{'.'.join(names)}.seed{made.seed}.{made.cell[:12]}"


def many_records(count: int, seeds: int = SEEDS) -> Iterator[Record]:
    """``count`` records, as many datasets as it takes; each has every backbone, weighting and seed."""
    draw = random.Random(0)
    for number in range(count):
        rest, seed = divmod(number, seeds)
        rest, weighting = divmod(rest, len(WEIGHTINGS))
        dataset, backbone = divmod(rest, len(BACKBONES))
        yield _record(draw, f"data-{dataset}", backbone, weighting, seed)


def _record(draw: random.Random, dataset: str, backbone: int, weighting: int, seed: int) -> Record:
    skill = 0.7 + backbone / 1000 + weighting / 2000
    label = BACKBONES[backbone].label
    blank = record(
        label if weighting == 0 else f"{WEIGHTINGS[weighting].label}-{label}",
        backbone=BACKBONES[backbone],
        weighting=WEIGHTINGS[weighting],
        seed=seed,
        dataset=dataset,
        dataset_label=dataset,
        facts=FACTS,
        environment=ENVIRONMENT,
        spend=((800, 400_000, 20.0), (500, 270_000, 16.0)),
    )
    metrics = {
        split: {task: {name: draw.gauss(skill, 0.005) for name in METRICS} for task in TASKS}
        for split in ("validation", "test")
    }
    return blank.model_copy(
        update={
            "metrics": metrics,
            "best_epoch": {"train": 2, "continue": 2},
            "curve": [_epoch(draw, epoch) for epoch in range(1, EPOCHS + 1)],
            "diagnostics": {"critics_converged": 1.0, "q_mean": [draw.random(), draw.random()]},
            "series": {"td_loss": [draw.random() for _ in range(3)]},
        }
    )


def _epoch(draw: random.Random, epoch: int) -> Epoch:
    def of_tasks(value: Any) -> dict[str, Any]:
        return {task: value() for task in TASKS}

    return Epoch(
        stage="continue",
        epoch=epoch,
        train_loss=of_tasks(draw.random),
        validation=of_tasks(draw.random),
        weights=of_tasks(lambda: {name: 1 + draw.random() for name in WEIGHTS}),
    )
