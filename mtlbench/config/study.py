"""The study: what to run, validated, from flags or a TOML file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mtlbench.bounds import INTEGER, NUMBER
from mtlbench.cells import Training
from mtlbench.config.interval import Interval
from mtlbench.config.messages import complaints
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.settings import CHECKPOINT_EVERY, RunSettings
from mtlbench.config.specs import Resolved, resolve_texts
from mtlbench.discovery import Catalogue, plugin_files
from mtlbench.errors import UsageError
from mtlbench.machine import usable_cores
from mtlbench.tasks.objective import canonical


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Specs = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
"""Plugin specs, each in the grammar of :mod:`mtlbench.config.grammar`."""

Seed = Annotated[int, Field(ge=0, le=INTEGER)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]

MOST_CELLS = 1_000_000
"""Of a study: a cell costs 3 KB while it runs."""

PATHS = ("data_dir", "out")


@dataclass(frozen=True)
class Plan:
    """A study with every name and parameter resolved: what the runner executes."""

    datasets: tuple[Resolved, ...]
    grids: tuple[tuple[tuple[Resolved, ...], tuple[Resolved, ...]], ...]
    """Backbones and weightings, of which every pair is run."""
    seeds: tuple[int, ...]
    training: Training
    settings: RunSettings
    controls: bool = False
    budget: Literal["early-stopping", "steps", "seconds"] = "early-stopping"


class Grid(BaseModel):
    """Backbones and weightings of which every pair is run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbones: Specs
    weightings: Specs


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
    seeds: Annotated[int, Field(ge=1, le=MOST_CELLS)] | Annotated[tuple[Seed, ...], Field(min_length=1)] = 3
    """Their number, for 0, 1, ..., or a list of them."""
    preset: PresetName = "quick"
    epochs: Count | None = None
    patience: Count | None = None
    batch_size: Count | None = None
    learning_rate: float | None = Field(None, gt=0, le=NUMBER)
    weight_decay: float | None = Field(None, ge=0, le=NUMBER)
    precision: Literal["float32", "bfloat16"] | None = None
    embedding_optimiser: Literal["adam", "sparse-adam", "rowwise-adagrad"] | None = None
    objective: str | None = None
    """What chooses epochs: ``mean``, ``delta-m``, or weights of tasks such as ``conversion=3,click=1``."""
    validate_every: str | None = None
    """Epochs or steps between two validations, such as ``2`` or ``"500 steps"``."""
    controls: bool = False
    """Also run the control rows that the weightings name."""
    budget: Literal["early-stopping", "steps", "seconds"] = "early-stopping"
    """``steps`` or ``seconds``: then run every cell once more with the budget of the costliest method of its block."""
    device: str = "cpu"
    """Where cells train: ``cpu``, ``cuda`` or ``cuda:N``."""
    data_dir: Path = Path("data")
    out: Path = Path("results")
    jobs: Count = Field(default_factory=usable_cores)
    """Cells trained at the same time."""
    executor: Literal["local", "dask"] = "local"
    """Where the processes are: on this machine, or on a Dask cluster."""
    scheduler: str | None = None
    """Address or scheduler file of the Dask cluster."""
    checkpoint_every: float = Field(CHECKPOINT_EVERY, ge=0)
    """Seconds of training after which a running cell saves what it has done; 0 saves after each step."""
    overwrite: Literal["never", "failed", "always"] = "never"
    layout: Literal["methods", "paper"] = "methods"
    plugins: tuple[Path, ...] = ()

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        if re.fullmatch(r"cpu|cuda(:\d+)?", device) is None:
            raise ValueError("must be cpu, cuda or cuda:N, such as cuda:0")
        return device

    @field_validator("objective", "validate_every", mode="before")
    @classmethod
    def _in_one_form(cls, value: Any, info: ValidationInfo) -> Any:
        """Texts of one meaning give the same cells."""
        if value is None:
            return None
        try:
            return canonical(value) if info.field_name == "objective" else str(Interval.parse(str(value)))
        except UsageError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _reachable(self) -> "Study":
        if self.executor == "dask" and self.scheduler is None:
            raise ValueError("executor dask needs the address of its scheduler, such as --scheduler tcp://HOST:8786")
        if self.executor == "local" and self.scheduler is not None:
            raise ValueError(f"scheduler {self.scheduler} is Dask's; add --executor dask")
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
        read, flags = (_read(file) if file else {}), flags or {}
        if flags.keys() & {"backbones", "weightings"}:
            read.pop("also", None)
        settings = {**read, **flags}
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            where = f"the study {file}" if file else "the study"
            reasons = "; ".join(complaints(error, settings, list(cls.model_fields)))
            raise UsageError(f"{where}: {reasons}") from error

    def files(self) -> tuple[Path, ...]:
        """The plugin files: those of the study, and those in the folder that ``MTLBENCH_PLUGINS`` names."""
        return plugin_files(self.plugins)

    def resolve(self, catalogue: Catalogue) -> Plan:
        """The plan, with every plugin's parameters validated.

        Raises:
            UsageError: a plugin or parameter is unknown, a value is invalid, or there is no such device.
        """
        _require_device(self.device)
        overrides = {
            name: value
            for name in set(Training.__dataclass_fields__) - {"budget", "allowance"}
            if (value := getattr(self, name)) is not None
        }
        datasets = resolve_texts(catalogue, "dataset", self.datasets, self.preset)
        grids = tuple(
            (
                resolve_texts(catalogue, "backbone", grid.backbones, self.preset),
                resolve_texts(catalogue, "weighting", grid.weightings, self.preset),
            )
            for grid in (Grid(backbones=self.backbones, weightings=self.weightings), *self.also)
        )
        seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        cells = len(datasets) * seeds * sum(len(backbones) * len(weightings) for backbones, weightings in grids)
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
                device=self.device,
                checkpoint_every=self.checkpoint_every,
            ),
            controls=self.controls,
            budget=self.budget,
        )


def _require_device(device: str) -> None:
    if device == "cpu":
        return
    count = torch.cuda.device_count()
    if int(device.removeprefix("cuda").removeprefix(":") or 0) >= count:
        build = f"torch {torch.__version__} finds {count or 'no'} CUDA device{'s' if count > 1 else ''} here"
        raise UsageError(f"device {device!r}: {build}; install torch for CUDA with its driver, or use --device cpu")


def _read(file: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the study file {file}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the study file {file} is no TOML that can be read: {error}; correct it") from error
    if "plugins" in settings:
        raise UsageError(
            f"the study {file}: a study file is data and cannot name code to run; remove 'plugins', and name the files "
            "with --plugin FILE or their folder with MTLBENCH_PLUGINS"
        )
    base = file.resolve().parent
    for key in PATHS:
        if isinstance(settings.get(key), str):
            settings[key] = base / Path(settings[key]).expanduser()
    return settings
