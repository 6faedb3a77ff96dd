"""The record: all that is known of one cell, as one JSON document.

Tables, plots and comparisons are computed from records alone, so a record carries the display names too.
"""

import json
from collections.abc import Mapping
from traceback import format_exception
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from mtlbench import bounds
from mtlbench.cells import identity
from mtlbench.errors import said_of
from mtlbench.records.influence import Influence
from mtlbench.text import shortened

SCHEMA_VERSION: Literal[1] = 1


LONGEST_TEXT = 20_000
"""Characters of a text from elsewhere."""


def _none_beyond(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        raise ValueError(f"a number is expected, not {value!r}")
    return None if isinstance(value, (int, float)) and not abs(value) <= bounds.NUMBER else value


def _encodable(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return shortened(value.encode("utf-8", "backslashreplace").decode(), LONGEST_TEXT)


Finite = Annotated[float, Field(strict=True, ge=-bounds.NUMBER, le=bounds.NUMBER)]

Number = Annotated[
    Finite | Annotated[float | None, BeforeValidator(_none_beyond)] | None, Field(union_mode="left_to_right")
]
"""A measured value; ``None`` for NaN and infinity, which JSON has not, and for what is beyond :data:`bounds.NUMBER`: it
diverged, and a mean with it is none.

Other numbers, which nearly all are, are read without a call of Python code.
"""

Count = Annotated[int, Field(ge=0, le=bounds.INTEGER)]

Name = Annotated[str, Field(max_length=bounds.NAME)]

Plain = Annotated[float | int | str, AfterValidator(bounds.bounded)]
"""A fact or a setting."""

Params = Annotated[dict[str, Any], AfterValidator(bounds.bounded)]

Text = Annotated[str, BeforeValidator(_encodable)]
"""Text from elsewhere, such as a traceback; what UTF-8 cannot hold is escaped, and a long one loses its middle."""

Scores = dict[Name, dict[Name, Number]]
"""Task -> metric -> value; ``None`` where the metric is undefined (one class in the split)."""


class Strict(BaseModel):
    """A part of a document of the store: no unknown field, no change, no infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PluginUse(Strict):
    """A plugin as it was used: name, display name, every parameter, and the code that ran."""

    name: Name
    label: Name
    params: Params
    changed: Params
    """The parameters that differ from the defaults, presets aside: what a method's name must show."""
    version: Name
    """Distribution and version that provides the plugin, such as ``mtlbench 0.1.0``."""
    source: Name
    """sha256 of the plugin's source file."""


class DatasetUse(PluginUse):
    """The dataset of a cell."""

    fingerprint: Name
    tasks: tuple[Name, ...]
    kinds: dict[Name, Name] = {}
    """Task -> what its label is; ``binary`` where it is not named."""
    primary: dict[Name, Name] = {}
    """Task -> the metric that ranks methods and selects epochs; ``auc`` where it is not named."""
    facts: dict[Name, Plain]
    optimum: dict[Name, Scores] | None = None
    """Scores of the true means by split, where the generator knows them."""

    def primary_of(self, task: str) -> str:
        """The metric that ranks methods and selects epochs in ``task``."""
        return self.primary.get(task, "auc")


class StageSpend(Strict):
    """Budget that one stage of training used."""

    stage: Name
    steps: Count
    rows: Count
    """Read by these steps, and beside them: for a second batch, or for the scores of merges that were tried."""
    seconds: Finite
    peak_memory_mib: Finite
    """Peak resident memory of the process until the stage's end (GPU: peak allocated on the device)."""
    reused_from: Name | None = None
    """Id of the cell that paid for this stage, when its checkpoint was reused; counted all the same."""


class Epoch(Strict):
    """One point of the learning curve: a validation, by default after each epoch."""

    stage: Name
    epoch: Count
    train_loss: dict[Name, Number]
    """Mean unweighted loss of each task since the last validation; empty where nothing was trained, but merged."""
    validation: dict[Name, Number] = Field(validation_alias=AliasChoices("validation", "validation_auc"))
    """Task -> its primary metric. Records of an older mtlbench call it ``validation_auc``."""
    weights: dict[Name, dict[Name, Number]] | None
    """Task -> mean, min, q05, q50, q95, max of the weights applied since the last validation. Quantiles are over steps
    for weights per task, over samples for weights per sample."""
    passes: Finite | None = None
    """Over the training split so far in this stage, where it was validated within an epoch; ``None`` at its end."""


class Selected(Strict):
    """By what the state that was scored was chosen; choices between cells can be made by it too."""

    objective: Number
    """``training.objective`` of its validation scores."""
    validation_loss: Number
    """Mean over tasks of the mean loss on validation, which breaks ties; ``None`` where it is not known."""
    reference: Name | None = None
    """Id of the cell that the objective is measured against."""
    passes: dict[Name, Finite] = {}
    """Stage -> passes over the training split at the best, of stages whose best was within an epoch."""


class Failure(Strict):
    """Why a cell has no scores."""

    reason: Text
    traceback: Text | None = None

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """``error`` as the reason, with its traceback."""
        return cls(reason=said_of(error), traceback="".join(format_exception(error)))


Status = Literal["done", "failed", "not-applicable"]


class Record(Strict):
    """One cell's outcome."""

    schema_version: Literal[1] = SCHEMA_VERSION
    protocol: Count
    cell: Name
    """The cell's id."""
    method: Name
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
    seed: Count
    preset: Name | None
    sizes: dict[Name, Plain] = {}
    """Sizes that the study set for all networks, in place of the preset's, also for the cells that this builds on."""
    training: dict[Name, Plain]
    controls: list[Name] = []
    """Ids of the cells that show where a gain of this one comes from; they need not have been run."""
    status: Status
    failure: Failure | None = None
    """The reason, for the statuses ``failed`` and ``not-applicable``."""
    metrics: dict[Name, Scores] | None = None
    """``validation`` and ``test`` -> task -> metric -> value."""
    best_epoch: dict[Name, Count] | None = None
    """Stage -> epoch whose parameters were kept (0: those the stage started from)."""
    curve: list[Epoch] = []
    diagnostics: dict[Name, Number | list[Number]] = {}
    """What the weighting reported: a number, or one for each task."""
    series: dict[Name, list[Number]] = {}
    """Curves that the weighting reported, such as a loss pass by pass."""
    spend: list[StageSpend] = []
    environment: dict[Name, Plain | None] = {}
    """mtlbench, torch and Python versions, git sha, processor, threads, device; when it was run."""
    crashes: Count = 0
    """Deaths of worker processes that ran the cell, in the run that wrote the record."""
    resumptions: Count = 0
    """How often its training went on from where a process that died had left it."""
    selection: Selected | None = None
    """``None`` in records that were written before there was one, and without scores."""
    influence: Influence | None = None
    """Of which the error over other test samples is computed; ``None`` in records of earlier versions."""
    checksum: Name | None = None
    """:func:`checksum` of all else; ``None`` in records that were written before there was one."""

    def scores(self) -> dict[tuple[str, str, str], float | None]:
        """Every score by split, task and metric."""
        return {
            (split, task, metric): value
            for split, of_split in (self.metrics or {}).items()
            for task, of_task in of_split.items()
            for metric, value in of_task.items()
        }

    def primary_scores(self, split: str) -> dict[str, float | None]:
        """Task -> its primary metric on ``split``; ``None`` where it is undefined."""
        scores = (self.metrics or {}).get(split, {})
        return {task: scores.get(task, {}).get(self.dataset.primary_of(task)) for task in self.dataset.tasks}

    def spent(self, unit: Literal["steps", "rows", "seconds"]) -> Any:
        """``steps``, ``rows`` or ``seconds`` of all stages together, those of reused cells too."""
        return sum(getattr(stage, unit) for stage in self.spend)

    def sealed(self) -> "Record":
        """The record with its checksum."""
        return self.model_copy(update={"checksum": checksum(json.loads(self.model_dump_json()))})


SINCE_CHECKSUMS = ("checksum", "crashes", "resumptions", "selection", "influence")
"""Fields that a file has only where the version that wrote it also wrote a checksum."""


def checksum(content: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of a record as it is in its file, its own checksum left out.

    It is of the file's content, not of what this version of mtlbench makes of it, so that a field added to the schema
    later leaves the checksums of older records as they are. It shows a slip: an edit by hand, or a merge gone wrong.
    Who edits on purpose can compute it too; only a run of the cell shows that.
    """
    return identity({name: value for name, value in content.items() if name != "checksum"})
