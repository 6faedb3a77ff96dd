"""The study: what to run, validated, from flags or a TOML file."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from numbers import Number
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mtlbench.bounds import NUMBER
from mtlbench.cells import Training
from mtlbench.config.devices import EVERY_GPU, NOT_ON_DASK, of_a_cell, require_device
from mtlbench.config.given import why_no_path
from mtlbench.config.interval import Interval
from mtlbench.config.messages import complaints
from mtlbench.config.plan import SEARCH_SEEDS, Plan, TunedPlan
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.settings import CHECKPOINT_EVERY, RunSettings
from mtlbench.config.space import Space
from mtlbench.config.space_file import read_space
from mtlbench.config.specs import resolve_texts
from mtlbench.config.study_file import read_study
from mtlbench.config.study_keys import MOST_CELLS, Count, Grid, Seeds, Specs, Texts
from mtlbench.config.trackers import resolve_trackers
from mtlbench.discovery import Catalogue, plugin_files
from mtlbench.errors import UsageError
from mtlbench.machine import usable_cores
from mtlbench.tasks.objective import canonical
from mtlbench.text import shown

SIZES = ("dropout", "embedding")
"""Keys that are parameters of networks."""


class Study(BaseModel):
    """What to run, and where its inputs and results lie. Every field is a key of a study file.

    ``None`` for a setting of the training means the preset's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    datasets: Specs = ("synthetic",)
    backbones: Specs = ("all",)
    weightings: Specs = ("rmtl",)
    also: tuple[Grid, ...] = ()
    """Further pairs, on the same datasets and seeds. Flags that name backbones or weightings leave them out."""
    seeds: Seeds = 3
    preset: PresetName = "quick"
    epochs: Count | None = None
    patience: Count | None = None
    batch_size: Count | None = None
    learning_rate: float | None = Field(None, gt=0, le=NUMBER)
    weight_decay: float | None = Field(None, ge=0, le=NUMBER)
    precision: Literal["float32", "bfloat16"] | None = None
    schedule: Literal["constant", "linear", "cosine"] | None = None
    min_count: Count | None = None
    embedding_dropout: float | None = Field(None, ge=0, lt=1)
    embedding_optimiser: Literal["adam", "sparse-adam", "rowwise-adagrad"] | None = None
    objective: str | None = None
    """What chooses epochs: ``mean``, ``delta-m``, or weights of tasks such as ``conversion=3,click=1``."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Of every backbone, and every weighting with networks of its own, that does not name its own; as ``embedding``."""
    embedding: Count | None = None
    """Width of each field's embedding."""
    validate_every: str | None = None
    """Epochs or steps between two validations, such as ``2`` or ``"500 steps"``."""
    controls: bool = False
    """Also run the control rows that the weightings name."""
    budget: Literal["early-stopping", "steps", "seconds"] = "early-stopping"
    """``steps`` or ``seconds``: then run every cell once more with the budget of the costliest method of its block."""
    trials: Annotated[int, Field(ge=0, le=1024)] = 0
    """Settings that are tried for every method, on validation; 0: every method has its defaults alone."""
    searches: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often the whole search is done, each time with other settings and another seed."""
    halving: bool = False
    """Whether all trials have a fifth of the epochs first, and the best quarter of them alone all epochs."""
    space: Path | None = None
    """A search space in TOML, in place of parts of the declared one."""
    device: str = "cpu"
    """Where cells train: ``cpu``, ``cuda``, ``cuda:N``, or ``cuda:all`` for every GPU."""
    data_dir: Path = Path("data")
    out: Path = Path("results")
    jobs: Count = Field(default_factory=usable_cores)
    """Cells trained at the same time; with ``cuda:all``, on each GPU, and by default all GPUs share the cores."""
    executor: Literal["local", "dask"] = "local"
    """Where the processes are: on this machine, or on a Dask cluster."""
    scheduler: str | None = None
    """Address or scheduler file of the Dask cluster."""
    checkpoint_every: float = Field(CHECKPOINT_EVERY, ge=0)
    """Seconds of training after which a running cell saves what it has done; 0 saves after each step."""
    overwrite: Literal["never", "failed", "always"] = "never"
    layout: Literal["methods", "paper"] = "methods"
    trackers: Texts = ()
    """Specs of the tools that each cell which is trained is shown in."""
    plugins: tuple[Path, ...] = ()
    _base: Path = PrivateAttr(Path())
    """Folder at which paths in the specs of datasets start."""

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        if re.fullmatch(r"cpu|cuda(:(\d+|all))?", device) is None:
            raise ValueError("must be cpu, cuda, cuda:N, such as cuda:0, or cuda:all")
        return device

    @field_validator("data_dir", "out", "space")
    @classmethod
    def _possible(cls, path: Path | None) -> Path | None:
        try:
            reason = "" if path is None else why_no_path(path.expanduser())
        except RuntimeError as error:  # ~ of nobody
            reason = str(error)
        if reason:
            raise ValueError(f"it cannot be a path: {reason}")
        return path

    @field_validator("objective", "validate_every", mode="before")
    @classmethod
    def _in_one_form(cls, value: Any, info: ValidationInfo) -> Any:
        """Texts of one meaning give the same cells."""
        if value is None:
            return None
        try:
            if info.field_name == "objective":
                return canonical(value)
            return str(Interval.parse(str(value) if isinstance(value, str | Number) else shown(value)))
        except UsageError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _reachable(self) -> "Study":
        if self.executor == "dask" and self.scheduler is None:
            raise ValueError("executor dask needs the address of its scheduler, such as --scheduler tcp://HOST:8786")
        if self.executor == "local" and self.scheduler is not None:
            raise ValueError(f"scheduler {shown(self.scheduler)} is Dask's; add --executor dask")
        if self.executor == "dask" and self.device == EVERY_GPU:
            raise ValueError(NOT_ON_DASK)
        return self

    @model_validator(mode="after")
    def _searchable(self) -> "Study":
        about_trials = {"searches": self.searches > 1, "space": self.space is not None, "halving": self.halving}
        if self.trials == 0 and (key := next((key for key, given in about_trials.items() if given), None)):
            raise ValueError(f"{key} is about trials, and there are none; add --trials 20, or leave {key} out")
        if self.trials and self.budget != "early-stopping":
            raise ValueError(f"trials and budget = {self.budget} exclude each other; leave one out")
        if isinstance(self.seeds, int) and self.seeds < self.searches:
            raise ValueError(f"{self.searches} searches need as many seeds, and there are {self.seeds}; add seeds")
        if self.trials and isinstance(self.seeds, tuple) and max(self.seeds) >= SEARCH_SEEDS:
            raise ValueError(f"seeds from {SEARCH_SEEDS} on are those of trials; report on smaller ones")
        return self

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: int | tuple[int, ...]) -> int | tuple[int, ...]:
        if isinstance(seeds, tuple) and len(set(seeds)) < len(seeds):
            raise ValueError("must not repeat a seed; a cell counts once")
        return seeds

    @classmethod
    def load(cls, file: Path | None = None, flags: Mapping[str, Any] | None = None) -> "Study":
        """A study from a TOML file, from flags, or both; flags win. Paths in the file are relative to it.

        Raises:
            UsageError: the file cannot be read, or a key or value is not valid.
        """
        read, flags = (read_study(file) if file else {}), flags or {}
        if flags.keys() & {"backbones", "weightings"}:
            read.pop("also", None)
        settings = {**read, **flags}
        try:
            study = cls.model_validate(settings)
        except ValidationError as error:
            where = f"the study {file}" if file else "the study"
            reasons = "; ".join(complaints(error, settings, list(cls.model_fields)))
            raise UsageError(f"{where}: {reasons}") from error
        if file and "datasets" not in flags:
            study._base = file.resolve().parent
        return study

    def files(self) -> tuple[Path, ...]:
        """The plugin files: those of the study, and those in the folder that ``MTLBENCH_PLUGINS`` names."""
        return plugin_files(self.plugins)

    def resolve(self, catalogue: Catalogue) -> Plan:
        """The plan, with every plugin's parameters validated.

        Raises:
            UsageError: a plugin or parameter is unknown, a value is invalid, or there is no such device or package.
        """
        require_device(self.device)
        overrides = {
            name: value
            for name in Training.__dataclass_fields__.keys() & (type(self).model_fields.keys() - {"budget"})
            if (value := getattr(self, name)) is not None
        }
        sizes = {name: value for name in SIZES if (value := getattr(self, name)) is not None}
        datasets = resolve_texts(catalogue, "dataset", self.datasets, self.preset)
        grids = tuple(
            (
                resolve_texts(catalogue, "backbone", grid.backbones, self.preset, sizes),
                resolve_texts(catalogue, "weighting", grid.weightings, self.preset, sizes),
            )
            for grid in (Grid(backbones=self.backbones, weightings=self.weightings), *self.also)
        )
        seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        pairs = sum(len(backbones) * len(weightings) for backbones, weightings in grids)
        cells = len(datasets) * seeds * pairs
        # A method's searches, and the same seeds again under what they found.
        cells += len(datasets) * pairs * (self.trials * self.searches + seeds) if self.trials else 0
        if cells > MOST_CELLS:
            raise UsageError(f"the study has {cells:,} cells, more than {MOST_CELLS:,}; cut it into several")
        return Plan(
            datasets=datasets,
            grids=grids,
            seeds=self.seeds if isinstance(self.seeds, tuple) else tuple(range(self.seeds)),
            training=replace(PRESETS[self.preset].training, **overrides),
            settings=RunSettings(
                data_dir=self.data_dir.expanduser().absolute(),
                out=self.out.absolute(),
                plugin_files=self.files(),
                preset=self.preset,
                sizes=sizes,
                device=of_a_cell(self.device),
                checkpoint_every=self.checkpoint_every,
                base=self._base,
            ),
            controls=self.controls,
            budget=self.budget,
            tuned=self._tuned(catalogue, {*overrides, *sizes}) if self.trials else None,
            trackers=resolve_trackers(catalogue, self.trackers, self.preset),
        )

    def _tuned(self, catalogue: Catalogue, given: Collection[str]) -> TunedPlan:
        ranges = read_space(self.space, catalogue) if self.space else {}
        falling = self.schedule or ranges.get("common", {}).get("", {}).get("schedule") or "constant"
        if self.halving and falling != "constant":
            raise UsageError(
                f"halving and schedule = {falling} exclude each other: in the short training of a trial the learning "
                "rate falls sooner, so it says little of the whole one; leave one out"
            )
        return TunedPlan(self.trials, self.searches, Space(self.preset, frozenset(given), ranges), halving=self.halving)
