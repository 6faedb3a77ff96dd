"""Records without what no table shows, and with what they have in common kept once: many fit into memory."""

from typing import TypeVar

from mtlbench.records.schema import PluginUse, Record, StageSpend

FIELDS = set(Record.model_fields)

Use = TypeVar("Use", bound=PluginUse)


class Lean:
    """Makes records lean, for tables; call it with one record after the other.

    Left out are the validation scores, and of the learning curve all but the last epoch that has weights; the spend of
    all stages becomes one. Uses of plugins and environments that are equal become one object.
    """

    def __init__(self) -> None:
        self._uses: dict[tuple[str, ...], list[PluginUse]] = {}
        self._environments: dict[str, dict[str, str | int | float | None]] = {}
        self._trainings: dict[str, dict[str, float | int | str]] = {}

    def __call__(self, record: Record) -> Record:
        """``record`` with what tables need of it."""
        last = next((epoch for epoch in reversed(record.curve) if epoch.weights), None)
        metrics = {"test": record.metrics["test"]} if record.metrics and "test" in record.metrics else None
        fields = {
            **record.__dict__,
            "dataset": self._use(record.dataset),
            "backbone": self._use(record.backbone),
            "weighting": self._use(record.weighting),
            "training": self._trainings.setdefault(str(record.training), record.training),
            "environment": self._environments.setdefault(_machine(record), record.environment),
            "metrics": metrics,
            "curve": [last] if last else [],
            "spend": _total(record.spend),
        }
        # Not copied: a set of the names of its fields is larger than what is left of a record.
        return Record.model_construct(_fields_set=FIELDS, **fields)

    def _use(self, use: Use) -> Use:
        alike = self._uses.setdefault((type(use).__name__, use.name, use.source, str(use.params)), [])
        for known in alike:
            if known == use:
                return known
        alike.append(use)
        return use


def _machine(record: Record) -> str:
    """The environment but for the time, which no table shows."""
    return str({name: value for name, value in record.environment.items() if name != "utc"})


def _total(spend: list[StageSpend]) -> list[StageSpend]:
    if len(spend) < 2:
        return spend
    return [
        StageSpend(
            stage="all",
            steps=sum(stage.steps for stage in spend),
            rows=sum(stage.rows for stage in spend),
            seconds=sum(stage.seconds for stage in spend),
            peak_memory_mib=max(stage.peak_memory_mib for stage in spend),
        )
    ]
