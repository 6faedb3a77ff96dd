"""A search space as a file: ranges in place of those that the harness and the plugins declare."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mtlbench.api.search import Choice, Linear, Log, OrZero, Search
from mtlbench.bounds import NAME
from mtlbench.config.parameters import public_fields
from mtlbench.config.space import COMMON, Ranges
from mtlbench.discovery import Catalogue, named
from mtlbench.errors import UsageError, did_you_mean


class _Range(BaseModel):
    """A range in a space file."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    zero: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def search(self) -> Search:
        found: Search = (Log if self.scale == "log" else Linear)(self.low, self.high)
        return OrZero(found, self.zero) if self.zero else found


class _Choice(BaseModel):
    """Values in a space file."""

    model_config = ConfigDict(extra="forbid")

    choice: Annotated[list[Any], Field(min_length=1)]

    def search(self) -> Search:
        return Choice(*(tuple(value) if isinstance(value, list) else value for value in self.choice))


_ENTRY: TypeAdapter[_Range | _Choice | Literal["default"]] = TypeAdapter(_Range | _Choice | Literal["default"])
FORMS = '{low = 0.1, high = 10, scale = "log"}, {choice = [1, 2]} or "default"'


def read_space(file: Path, catalogue: Catalogue) -> Ranges:
    """The ranges in a TOML file, for :class:`mtlbench.config.space.Space`.

    The file has up to three kinds of tables::

        [common]
        learning_rate = {low = 1e-3, high = 1e-2, scale = "log"}
        weight_decay = {low = 1e-7, high = 1e-4, scale = "log", zero = 0.5}
        dropout = "default"

        [backbone.mmoe]
        experts = {choice = [2, 4, 8]}

        [weighting.rmtl]
        lambda = {low = 0, high = 1}

    Raises:
        UsageError: it cannot be read, names something unknown, or a range is none.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the search space {file}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the search space {file} is no TOML that can be read: {error}; correct it") from error
    where = f"the search space {file}"
    found: dict[str, dict[str, dict[str, Search | None]]] = {}
    for kind, tables in content.items():
        if kind not in {"common", "backbone", "weighting"}:
            remedy = did_you_mean(kind, ["common", "backbone", "weighting"])
            raise UsageError(f"{where}: {kind!r} is no table of a search space: {remedy}")
        if not isinstance(tables, dict) or (kind != "common" and not all(isinstance(t, dict) for t in tables.values())):
            raise UsageError(f"{where}: {kind} must hold tables of ranges, such as {FORMS}")
        named_tables = {"": tables} if kind == "common" else tables
        found[kind] = {}
        for plugin, ranges in named_tables.items():
            if plugin:
                cls = named(kind, plugin, catalogue.of_kind(kind), catalogue.broken).cls
                known = [name for name in public_fields(cls.Params) if kind != "backbone" or name not in COMMON]
            else:
                known = list(COMMON)
            found[kind][plugin] = {
                name: _read_range(f"{where}: {'.'.join(filter(None, (kind, plugin)))}", name, value, known)
                for name, value in ranges.items()
            }
    return found


def _read_range(where: str, name: str, value: Any, known: list[str]) -> Search | None:
    if name not in known and name in COMMON:
        raise UsageError(f"{where} has no {name} of its own: it is the same for all methods; write it under [common]")
    if name not in known:
        raise UsageError(f"{where} has no parameter {name!r}: {did_you_mean(name, known)}")
    try:
        entry = _ENTRY.validate_python(value)
        found = None if isinstance(entry, str) else entry.search()
    except ValidationError as error:
        raise UsageError(f"{where}.{name} = {value!r:.80} is no range; write {FORMS}") from error
    except ValueError as error:
        raise UsageError(f"{where}.{name}: {error}") from error
    if len(str(found)) > NAME:
        raise UsageError(f"{where}.{name} has more values than can be recorded; name fewer, or write {FORMS}")
    return found
