"""Records without what no table shows, and with what they have in common kept once: many fit into memory."""

from collections.abc import Collection
from typing import TypeVar

from mtlbench.records.schema import Epoch, PluginUse, Record, Scores, StageSpend

# A model keeps a set of the fields it was given, which is larger than most models; here all of a kind share one.
RECORD_FIELDS, EPOCH_FIELDS, SPEND_FIELDS = (set(model.model_fields) for model in (Record, Epoch, StageSpend))

Use = TypeVar("Use", bound=PluginUse)


class Compactor:
    """Makes records compact, for tables; call it with one record after the other.

    Left out are the validation scores, and of the learning curve all but the weights of the last epoch that has any;
    the spend of all stages becomes one. Uses of plugins and environments that are equal become one object.

    Args:
        metrics: those that are kept.
    """

    def __init__(self, metrics: Collection[str]) -> None:
        self._metrics = frozenset(metrics)
        self._uses: dict[tuple[str, ...], list[PluginUse]] = {}
        self._environments: dict[str, dict[str, str | int | float | None]] = {}
        self._trainings: dict[str, dict[str, float | int | str]] = {}

    def __call__(self, record: Record) -> Record:
        """``record`` with what tables need of it."""
        fields = {
            **record.__dict__,
            "dataset": self._use(record.dataset),
            "backbone": self._use(record.backbone),
            "weighting": self._use(record.weighting),
            "training": self._trainings.setdefault(str(record.training), record.training),
            "environment": self._environments.setdefault(_machine(record), record.environment),
            "metrics": self._test_scores(record),
            "curve": _last_weights(record.curve),
            "spend": _total(record.spend),
        }
        return Record.model_construct(_fields_set=RECORD_FIELDS, **fields)

    def _use(self, use: Use) -> Use:
        alike = self._uses.setdefault((type(use).__name__, use.name, use.source, str(use.params)), [])
        for known in alike:
            if known == use:
                return known
        alike.append(use)
        return use

    def _test_scores(self, record: Record) -> dict[str, Scores] | None:
        if not record.metrics or "test" not in record.metrics:
            return None
        return {
            "test": {
                task: {metric: value for metric, value in values.items() if metric in self._metrics}
                for task, values in record.metrics["test"].items()
            }
        }


def _machine(record: Record) -> str:
    """The environment but for the time, which no table shows."""
    return str({name: value for name, value in record.environment.items() if name != "utc"})


def _last_weights(curve: list[Epoch]) -> list[Epoch]:
    """The last epoch that has weights, with nothing else."""
    last = next((epoch for epoch in reversed(curve) if epoch.weights), None)
    if last is None:
        return []
    bare = Epoch.model_construct(
        _fields_set=EPOCH_FIELDS,
        stage=last.stage,
        epoch=last.epoch,
        train_loss={},
        validation={},
        weights=last.weights,
    )
    return [bare]


def _total(spend: list[StageSpend]) -> list[StageSpend]:
    """All stages as one."""
    if not spend:
        return []
    total = StageSpend.model_construct(
        _fields_set=SPEND_FIELDS,
        stage="all",
        steps=sum(stage.steps for stage in spend),
        rows=sum(stage.rows for stage in spend),
        seconds=sum(stage.seconds for stage in spend),
        peak_memory_mib=max(stage.peak_memory_mib for stage in spend),
    )
    return [total]
