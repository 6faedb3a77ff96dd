"""Records for tests, without training: every argument has a default, and what is derived is derived."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.records import DatasetUse, Failure, PluginUse, Record, StageSpend

TASKS = ("click", "pay")
METRICS = ("auc", "logloss", "s_logloss")
"""Of a binary task, those that tables have."""
FACTS = {"rows": 20_000, "sessions": 3_117, "click_rate": 0.2512, "pay_rate": 0.0421}
TRAINING = {"epochs": 10, "patience": 2, "batch_size": 2048, "learning_rate": 0.001}


def scores(auc: float, logloss: float = 0.5, s_logloss: float = 0.4, tasks: tuple[str, ...] = TASKS) -> dict[str, Any]:
    return {task: {"auc": auc, "logloss": logloss, "s_logloss": s_logloss} for task in tasks}


def plugin(name: str, label: str, **changed: Any) -> PluginUse:
    return PluginUse(
        name=name,
        label=label,
        params={"size": 16, **changed},
        changed=changed,
        version="mtlbench 0.1.0",
        source="0" * 64,
    )


def runs(method: str, aucs: Sequence[float], **settings: Any) -> list[Record]:
    """A record for each of seeds 0, 1, ..., with this AUC of every task."""
    return [record(method, auc, seed=seed, **settings) for seed, auc in enumerate(aucs)]


def record(
    method: str = "Shared Bottom",
    auc: float | None = 0.7,
    *,
    seed: int = 0,
    backbone: PluginUse | None = None,
    weighting: PluginUse | None = None,
    baseline: bool | None = None,
    tuned_baseline: bool = False,
    reference: bool = False,
    dataset: str = "synthetic",
    dataset_label: str = "Synthetic",
    dataset_changed: dict[str, Any] | None = None,
    fingerprint: str = "f" * 64,
    tasks: tuple[str, ...] = TASKS,
    kinds: dict[str, str] | None = None,
    primary: dict[str, str] | None = None,
    facts: dict[str, Any] | None = None,
    optimum: dict[str, Any] | None = None,
    preset: str | None = "quick",
    training: dict[str, Any] | None = None,
    protocol: int = 1,
    status: str = "done",
    reason: str = "",
    metrics: dict[str, Any] | None = None,
    spend: tuple[tuple[int, int, float], ...] = ((100, 1000, 1.5),),
    environment: dict[str, Any] | None = None,
) -> Record:
    """A record whose ``method`` is ``LABEL`` (a baseline) or ``WEIGHTING-LABEL``; ``auc`` is that of every task."""
    prefix, _, label = method.rpartition("-")
    backbone = backbone or plugin(label.lower().replace(" ", "-"), label)
    weighting = weighting or (plugin(prefix.lower(), prefix) if prefix else plugin("constant", "Constant"))
    if metrics is None and status == "done" and auc is not None:
        metrics = {"validation": scores(auc, tasks=tasks), "test": scores(auc, tasks=tasks)}
    content: dict[str, Any] = {
        "protocol": protocol,
        "method": method,
        "baseline": not prefix if baseline is None else baseline,
        "tuned_baseline": tuned_baseline,
        "reference": reference,
        "dataset": DatasetUse(
            name=dataset,
            label=dataset_label,
            params={"rows": 1, **(dataset_changed or {})},
            changed=dataset_changed or {},
            version="mtlbench 0.1.0",
            source="0" * 64,
            fingerprint=fingerprint,
            tasks=tasks,
            kinds=kinds or {},
            primary=primary or {},
            facts=FACTS if facts is None else facts,
            optimum=optimum,
        ).model_dump(),
        "backbone": backbone.model_dump(),
        "weighting": weighting.model_dump(),
        "seed": seed,
        "preset": preset,
        "training": TRAINING if training is None else training,
    }
    identity = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return Record(
        **content,
        cell=identity,
        status=status,
        failure=None if status == "done" else Failure(reason=reason),
        metrics=metrics if status == "done" else None,
        spend=[
            StageSpend(stage=f"stage {i}", steps=steps, rows=rows, seconds=seconds, peak_memory_mib=100.0)
            for i, (steps, rows, seconds) in enumerate(spend, start=1)
        ],
        environment={"processor": "Some CPU", "threads": 2, "device": "cpu"} if environment is None else environment,
    )


SIX_TASKS = {
    "click": "binary",
    "long_view": "binary",
    "profile_enter": "binary",
    "comment_open": "binary",
    "watch_time": "nonnegative",
    "rating": "real",
}
"""Task -> kind."""


def mixed_scores(level: float, tasks: Mapping[str, str] = SIX_TASKS) -> dict[str, dict[str, float]]:
    """Scores of every metric of each task's kind; a higher ``level`` in (0, 1) is better in all of them."""
    binary = {
        "auc": level,
        "logloss": 1 - level,
        "s_logloss": 1.1 - level,
        "gauc": level - 0.1,
        "gauc_coverage": 0.8,
        "normalised_entropy": 1.5 - level,
        "calibration": 1.02,
        "average_precision": level / 2,
    }
    number = {
        "xauc": level,
        "rmse": 2345.678 * (1 - level),
        "mae": 1234.567 * (1 - level),
        "r2": level - 0.5,
        "loss": 1 - level,
        "s_loss": 1.2 - level,
    }
    return {task: dict(binary if kind == "binary" else number) for task, kind in tasks.items()}


def mixed(method: str, levels: Sequence[float], primary: str = "xauc", **settings: Any) -> list[Record]:
    """Six tasks of mixed kinds: a record for each of seeds 0, 1, ... of this level.

    Args:
        method: as of :func:`record`.
        levels: one per seed.
        primary: metric of the tasks that are not binary.
        settings: of :func:`record`.
    """
    primaries = {task: primary for task, kind in SIX_TASKS.items() if kind != "binary"}
    return [
        record(
            method,
            seed=seed,
            tasks=tuple(SIX_TASKS),
            kinds=dict(SIX_TASKS),
            primary=primaries,
            metrics={"validation": mixed_scores(level), "test": mixed_scores(level)},
            **settings,
        )
        for seed, level in enumerate(levels)
    ]
