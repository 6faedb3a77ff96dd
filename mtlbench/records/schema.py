"""The record: all that is known of one cell, as one JSON document.

Tables, plots and comparisons are computed from records alone, so a record carries the display names too.
"""

import json
import math
from collections.abc import Mapping
from traceback import format_exception
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from mtlbench.cells import identity
from mtlbench.errors import said_of

SCHEMA_VERSION: Literal[1] = 1


def _none_unless_finite(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        raise ValueError(f"a number is expected, not {value!r}")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


Number = Annotated[
    Annotated[float, Field(strict=True)] | Annotated[float | None, BeforeValidator(_none_unless_finite)] | None,
    Field(union_mode="left_to_right"),
]
"""A measured value; NaN and infinity become ``None``, for JSON has neither.

Finite numbers, which nearly all are, are read without a call of Python code.
"""

Text = Annotated[str, BeforeValidator(_encodable)]
"""Text from elsewhere, such as a traceback; what UTF-8 cannot hold is escaped."""

Scores = dict[str, dict[str, Number]]
"""Task -> metric -> value; ``None`` where the metric is undefined (one class in the split)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PluginUse(_Strict):
    """A plugin as it was used: name, display name, every parameter, and the code that ran."""

    name: str
    label: str
    params: dict[str, Any]
    changed: dict[str, Any]
    """The parameters that differ from the defaults, presets aside: what a method's name must show."""
    version: str
    """Distribution and version that provides the plugin, such as ``mtlbench 0.1.0``."""
    source: str
    """sha256 of the plugin's source file."""


class DatasetUse(PluginUse):
    """The dataset of a cell."""

    fingerprint: str
    tasks: tuple[str, ...]
    kinds: dict[str, str] = {}
    """Task -> what its label is; ``binary`` where it is not named."""
    primary: dict[str, str] = {}
    """Task -> the metric that ranks methods and selects epochs; ``auc`` where it is not named."""
    facts: dict[str, float | int | str]
    optimum: dict[str, Scores] | None = None
    """Scores of the true means by split, where the generator knows them."""

    def primary_of(self, task: str) -> str:
        """The metric that ranks methods and selects epochs in ``task``."""
        return self.primary.get(task, "auc")


class StageSpend(_Strict):
    """Budget that one stage of training used."""

    stage: str
    steps: int
    rows: int
    seconds: float
    peak_memory_mib: float
    """Peak resident memory of the process until the stage's end (GPU: peak allocated on the device)."""
    reused_from: str | None = None
    """Id of the cell that paid for this stage, when its checkpoint was reused; counted all the same."""


class Epoch(_Strict):
    """One point of the learning curve."""

    stage: str
    epoch: int
    train_loss: dict[str, Number]
    """Mean unweighted loss of each task over the epoch."""
    validation: dict[str, Number] = Field(validation_alias=AliasChoices("validation", "validation_auc"))
    """Task -> its primary metric. Records of an older mtlbench call it ``validation_auc``."""
    weights: dict[str, dict[str, Number]] | None
    """Task -> mean, min, q05, q50, q95, max of the weights applied in the epoch. Quantiles are over the epoch's
    steps for weights per task, over its samples for weights per sample."""


class Failure(_Strict):
    """Why a cell has no scores."""

    reason: Text
    traceback: Text | None = None

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """``error`` as the reason, with its traceback."""
        return cls(reason=said_of(error), traceback="".join(format_exception(error)))


Status = Literal["done", "failed", "not-applicable"]


class Record(_Strict):
    """One cell's outcome."""

    schema_version: Literal[1] = SCHEMA_VERSION
    protocol: int
    cell: str
    """The cell's id."""
    method: str
    """Name in leaderboards, parameters aside, such as ``RMTL-PLE``."""
    baseline: bool
    """Whether the method is a plain baseline: a backbone under constant weights of one."""
    tuned_baseline: bool = False
    """Whether the method is the tuned baseline, which the others are compared with beside the plain one."""
    reference: bool = False
    """Whether it is what Delta_m is measured against: a baseline that trains one network per task."""
    dataset: DatasetUse
    backbone: PluginUse
    weighting: PluginUse
    seed: int
    preset: str | None
    training: dict[str, float | int | str]
    controls: list[str] = []
    """Ids of the cells that show where a gain of this one comes from; they need not have been run."""
    status: Status
    failure: Failure | None = None
    """The reason, for the statuses ``failed`` and ``not-applicable``."""
    metrics: dict[str, Scores] | None = None
    """``validation`` and ``test`` -> task -> metric -> value."""
    best_epoch: dict[str, int] | None = None
    """Stage -> epoch whose parameters were kept (0: those the stage started from)."""
    curve: list[Epoch] = []
    diagnostics: dict[str, Number | list[Number]] = {}
    """What the weighting reported: a number, or one for each task."""
    series: dict[str, list[Number]] = {}
    """Curves that the weighting reported, such as a loss pass by pass."""
    spend: list[StageSpend] = []
    environment: dict[str, str | int | float | None] = {}
    """mtlbench, torch and Python versions, git sha, processor, threads, device; when it was run."""
    crashes: int = 0
    """Deaths of worker processes that ran the cell, in the run that wrote the record."""
    resumptions: int = 0
    """How often its training went on from where a process that died had left it."""
    checksum: str | None = None
    """:func:`checksum` of all else; ``None`` in records that were written before there was one."""

    def scores(self) -> dict[tuple[str, str, str], float | None]:
        """Every score by split, task and metric."""
        return {
            (split, task, metric): value
            for split, of_split in (self.metrics or {}).items()
            for task, of_task in of_split.items()
            for metric, value in of_task.items()
        }

    def sealed(self) -> "Record":
        """The record with its checksum."""
        return self.model_copy(update={"checksum": checksum(json.loads(self.model_dump_json()))})


def checksum(content: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of a record as it is in its file, its own checksum left out.

    It is of the file's content, not of what this version of mtlbench makes of it, so that a field added to the schema
    later leaves the checksums of older records as they are. It shows a slip: an edit by hand, or a merge gone wrong.
    Who edits on purpose can compute it too; only a run of the cell shows that.
    """
    return identity({name: value for name, value in content.items() if name != "checksum"})
