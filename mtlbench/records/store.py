"""The record store: one JSON file per cell, written so that a crash at any moment leaves it readable."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mtlbench.errors import UsageError
from mtlbench.memory import without_cycle_search
from mtlbench.records.compact import Compactor
from mtlbench.records.files import COMPRESSED, PLAIN, content_of, record_files
from mtlbench.records.schema import SCHEMA_VERSION, Count, Failure, Name, Plain, Record, Status
from mtlbench.records.writing import write_model
from mtlbench.text import shortened


class Used(BaseModel):
    """Which plugin a cell had, and the sha256 of its source file."""

    name: Name
    source: Name


class Summary(BaseModel):
    """What a record says of its cell's outcome and of the code that gave it, without the rest."""

    cell: Name
    method: Name
    status: Status
    failure: Failure | None = None
    training: dict[Name, Plain] = {}
    best_epoch: dict[Name, Count] | None = None
    dataset: Used
    backbone: Used
    weighting: Used

    @classmethod
    def of(cls, record: Record) -> "Summary":
        """The summary of ``record``."""
        return cls.model_validate(record, from_attributes=True)

    @property
    def plugins(self) -> dict[str, Used]:
        """By kind."""
        return {"dataset": self.dataset, "backbone": self.backbone, "weighting": self.weighting}

    @property
    def cut_off(self) -> bool:
        """Whether what is scored is of the last epoch that its stage was allowed: training on might have gained."""
        kept = [epoch for epoch in (self.best_epoch or {}).values() if epoch]
        early = self.training.get("budget", "early-stopping") == "early-stopping"
        return self.status == "done" and early and bool(kept) and kept[-1] == self.training.get("epochs")


Model = TypeVar("Model", Summary, Record)


class RecordStore:
    """The records below ``folder``, as ``<folder>/records/<stem>.json``, or compressed as ``<stem>.json.gz``.

    A record appears under its name whole or not at all: it is written to a hidden file beside it, flushed to the disk
    and renamed. Hidden files that a crash left behind are never read.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder) / "records"

    @classmethod
    def at(cls, folder: Path) -> "RecordStore":
        """The store whose files lie in ``folder`` itself."""
        store = cls(folder)
        store.folder = folder
        return store

    def write(self, record: Record, stem: str) -> Path:
        """Store ``record`` under ``stem`` (:attr:`mtlbench.cells.Cell.stem`), in place of an earlier one.

        Raises:
            StorageError: the folder cannot be written.
        """
        path = self._path(stem)
        write_model(path, record, "record")
        self._compressed(stem).unlink(missing_ok=True)
        return path

    def read_all(self) -> list[Record]:
        """Every record, in the order of the file names; none where the folder does not exist.

        Raises:
            UsageError: a file is unreadable or is no record, or two files hold the same cell.
        """
        return list(self._each(Record))

    def read_for_tables(self, metrics: Collection[str]) -> list[Record]:
        """:meth:`read_all` for what is made of test scores: records made :class:`~mtlbench.records.compact.Compactor`.

        A hundred thousand of them fit into half a gigabyte.

        Args:
            metrics: those that are kept.
        """
        with without_cycle_search():
            return list(map(Compactor(metrics), self._each(Record)))

    def summaries(self) -> dict[str, Summary]:
        """Of each recorded cell, by id, what became of it: quicker than reading whole records.

        Raises:
            UsageError: as of :meth:`read_all`, but for what it does not look at.
        """
        return {summary.cell: summary for summary in self._each(Summary)}

    def checked_summaries(self) -> dict[str, Summary]:
        """:meth:`summaries` of records that are looked at as a whole, so that none is found damaged later.

        Raises:
            UsageError: as of :meth:`read_all`.
        """
        with without_cycle_search():
            return {record.cell: Summary.of(record) for record in self._each(Record)}

    def paths(self) -> list[Path]:
        """The files of all records, sorted."""
        return record_files(self.folder)

    def _each(self, model: type[Model]) -> Iterator[Model]:
        origin: dict[str, Path] = {}
        for path in self.paths():
            record = _read(path, model)
            if record.cell in origin:
                raise UsageError(
                    f"the records {origin[record.cell]} and {path} are of the same cell {record.cell[:12]}; a cell "
                    "counts once: delete one of the two"
                )
            origin[record.cell] = path
            yield record

    def read(self, stem: str) -> Record:
        """The record stored under ``stem``.

        Raises:
            UsageError: there is none, or the file is unreadable or is no record.
        """
        return read_record(self._stored(stem))

    def get(self, stem: str) -> Record | None:
        """The record stored under ``stem``, or ``None``.

        Raises:
            UsageError: the file is unreadable or is no record.
        """
        path = self._stored(stem)
        return read_record(path) if path.exists() else None

    def _path(self, stem: str) -> Path:
        return self.folder / f"{stem}{PLAIN}"

    def _stored(self, stem: str) -> Path:
        return path if (path := self._compressed(stem)).exists() else self._path(stem)

    def _compressed(self, stem: str) -> Path:
        return self.folder / f"{stem}{COMPRESSED}"


def read_record(path: Path) -> Record:
    """The record in the file ``path``.

    Raises:
        UsageError: the file is unreadable or is no record.
    """
    return _read(path, Record)


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(content_of(path))
    except OSError as error:
        raise UsageError(
            f"cannot read the record {path}: {error.strerror or error}; check its permissions, or delete it and run "
            "its cell again"
        ) from error
    except ValidationError as error:
        raise UsageError(f"the file {path} is no record: {_reason(error)}") from error


def _reason(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    if where == "schema_version":
        return (
            f"its schema version is {shortened(repr(first['input']), 100)}, this mtlbench reads version "
            f"{SCHEMA_VERSION}; use the mtlbench that wrote it, or delete the file and run its cell again"
        )
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    place = f"{where}: " if where else ""
    return f"{place}{first['msg']}{others}; restore the file as mtlbench wrote it, or delete it and run its cell again"
