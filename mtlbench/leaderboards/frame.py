"""Records as one data frame, for statistics and export."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mtlbench.leaderboards.naming import method_name, params_text
from mtlbench.records import Record

if TYPE_CHECKING:
    import pandas as pd


def frame(records: Sequence[Record]) -> "pd.DataFrame":
    """One row per cell, sorted by dataset, method and seed.

    Columns: ``cell``, ``dataset``, ``dataset_params`` (text), ``fingerprint``, ``protocol``, ``preset``, ``training``
    (text), ``backbone``, ``backbone_params`` (text), ``weighting``, ``weighting_params`` (text), ``method`` (as
    displayed), ``baseline``, ``seed``, ``status``, ``reason``, ``steps``, ``rows``, ``seconds`` (sums over all stages)
    and ``<split>.<task>.<metric>`` for each metric, NaN where the cell has none.
    """
    import pandas as pd  # half a second, which a table on the terminal need not wait for

    rows = pd.DataFrame([_row(record) for record in records])
    if rows.empty:
        return rows
    return rows.sort_values(["dataset", "method", "seed", "cell"], kind="stable", ignore_index=True)


def _row(record: Record) -> dict[str, Any]:
    metrics = {
        f"{split}.{task}.{metric}": value
        for split, scores in (record.metrics or {}).items()
        for task, values in scores.items()
        for metric, value in values.items()
    }
    return {
        "cell": record.cell,
        "dataset": record.dataset.name,
        "dataset_params": params_text(record.dataset.params),
        "fingerprint": record.dataset.fingerprint,
        "protocol": record.protocol,
        "preset": record.preset,
        "training": params_text(record.training),
        "backbone": record.backbone.name,
        "backbone_params": params_text(record.backbone.params),
        "weighting": record.weighting.name,
        "weighting_params": params_text(record.weighting.params),
        "method": method_name(record),
        "baseline": record.baseline,
        "seed": record.seed,
        "status": record.status,
        "reason": record.failure.reason if record.failure else None,
        "steps": sum(stage.steps for stage in record.spend),
        "rows": sum(stage.rows for stage in record.spend),
        "seconds": sum(stage.seconds for stage in record.spend),
    } | {name: float("nan") if value is None else value for name, value in metrics.items()}
