"""The record of a search: which settings were tried for a method, what each scored, and which cells report the best."""

import json
from collections.abc import Collection
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, model_validator

from mtlbench.cells import identity
from mtlbench.errors import UsageError
from mtlbench.records.schema import (
    Count,
    DatasetUse,
    Name,
    Plain,
    PluginUse,
    Strict,
    checksum,
)
from mtlbench.records.trials import Trial
from mtlbench.records.writing import write_model

FOLDER = "searches"
"""Where the records of searches lie, in the folder of the cells' records."""


_ROW = {
    "protocol",
    "method",
    "dataset",
    "backbone",
    "weighting",
    "preset",
    "training",
    "space",
    "searches",
    "planned",
    "halving",
}
"""What the searches of one row share."""


class Reported(Strict):
    """A cell under the chosen setting."""

    seed: Count
    cell: Name


class Search(Strict):
    """One search: N trials of one method on one dataset, the chosen one, and the cells that report it."""

    schema_version: Literal[1] = 1
    protocol: Count
    search: Name
    """Id: of the method, its data, its training, its space and the search's number."""
    method: Name
    """The method's name in leaderboards, parameters aside."""
    baseline: bool
    """Whether the method is a plain baseline, which tuned is the tuned one."""
    dataset: DatasetUse
    backbone: PluginUse
    """Without what trials changed."""
    weighting: PluginUse
    """Without what trials changed."""
    preset: Name | None
    training: dict[Name, Plain]
    """Without what trials changed."""
    space: dict[Name, Name]
    """Parameter -> its range, as a reader expects it."""
    number: Count
    """Of the search, from 0."""
    searches: Count
    """How many the study has; report seed s has the settings of search s mod ``searches``."""
    seed: Count
    """Of its trials."""
    planned: Count
    """How many trials the study has."""
    halving: bool = False
    """Whether all trials had a short training, and the best of them alone a full one."""
    trials: list[Trial]
    """Those that have ended: none while the study is at them."""
    chosen: Count | None
    """Number of the chosen trial; ``None`` where none has a result."""
    report_seeds: list[Count]
    reports: list[Reported]
    """A cell of each of those seeds, where a trial is chosen."""
    hidden: list[Name]
    """Cells that ran for the search alone, and stand in no row of their own."""
    checksum: Name | None = None

    @property
    def stem(self) -> str:
        """Name of its file."""
        names = (self.dataset.name, self.backbone.name, self.weighting.name)
        return f"{'.'.join(names)}.search{self.number}.{self.search[:12]}"

    @property
    def space_key(self) -> str:
        """Equal for searches of the same ranges; its part before the hyphen is of those that all weightings share."""
        own = {name: text for name, text in self.space.items() if name.startswith(f"{self.weighting.name}.")}
        shared = {name: text for name, text in self.space.items() if name not in own}
        return f"{identity(shared)[:6]}-{identity(own)[:6]}"

    @property
    def places(self) -> set[tuple[str, int]]:
        """The row that it reports, with each seed: no two searches have one in common."""
        row = self.model_dump(mode="json", include=_ROW)
        return {(identity(row), seed) for seed in self.report_seeds}

    @model_validator(mode="after")
    def _once(self) -> "Search":
        reported = [one.seed for one in self.reports]
        if len({*self.report_seeds}) < len(self.report_seeds) or len({*reported}) < len(reported):
            raise ValueError("a seed is reported twice")
        return self

    @property
    def winner(self) -> Trial | None:
        """The chosen trial."""
        return next((trial for trial in self.trials if trial.number == self.chosen), None)

    def sealed(self) -> "Search":
        """The search with its checksum."""
        return self.model_copy(update={"checksum": checksum(json.loads(self.model_dump_json()))})


def joined(one: Search, other: Search) -> Search:
    """Two records of the same search as one: that with more trials that have ended, the first of equals.

    Where both report the same trial, it has the report seeds of both.
    """
    return replaced(one, other) if _progress(other) > _progress(one) else replaced(other, one)


def _progress(search: Search) -> tuple[int, int]:
    """A search that has not ended has no trials, however many are planned."""
    return len(search.trials), search.planned


def replaced(old: Search, new: Search) -> Search:
    """``new`` in the place of ``old``, a record of the same search with other trials or report seeds.

    No hidden cell of the old one becomes a row, and none that it reports ceases to be one (:func:`show`). Where both
    report the same trial, it has the report seeds of both.
    """
    rows = {one.cell for one in old.reports} - {*old.hidden}
    update: dict[str, Any] = {"hidden": sorted({*new.hidden} - rows | {*old.hidden})}
    if new.chosen == old.chosen:
        cells = {report.seed: report for report in (*old.reports, *new.reports)}
        update["report_seeds"] = sorted({*new.report_seeds, *old.report_seeds})
        update["reports"] = [cells[seed] for seed in sorted(cells)]
    return new.model_copy(update=update)


def write_search(folder: Path, search: Search, name: str | None = None) -> Path:
    """Store ``search`` with its checksum among the records in ``folder``, in place of an earlier one.

    A search that was read from a file keeps the ``name`` of the file: names that it holds are texts of strangers.

    Raises:
        StorageError: the folder cannot be written.
    """
    path = folder / FOLDER / (name or f"{search.stem}.json")
    write_model(path, search.sealed(), "search")
    return path


def show(folder: Path, cells: Collection[str]) -> None:
    """Take ``cells``, which a study asks for by name, out of what the searches among the records in ``folder`` hide."""
    for path in search_paths(folder):
        search = read_search(path)
        hidden = [cell for cell in search.hidden if cell not in cells]
        if len(hidden) < len(search.hidden):
            write_search(folder, search.model_copy(update={"hidden": hidden}), path.name)


def search_paths(folder: Path) -> list[Path]:
    """The files of all searches among the records in ``folder``, sorted."""
    return sorted((folder / FOLDER).glob("[!.]*.json"), key=attrgetter("name"))


def read_searches(folder: Path) -> list[Search]:
    """Every search among the records in ``folder``, in the order of the file names.

    Raises:
        UsageError: a file is unreadable or is no record of a search, or two report the same.
    """
    found: list[Search] = []
    places: dict[tuple[str, int], Path] = {}
    for path in search_paths(folder):
        found.append(read_search(path))
        for place in found[-1].places:
            if (other := places.setdefault(place, path)) != path:
                raise UsageError(f"the searches {other} and {path} report the same row and seed; delete one of the two")
    return found


def read_search(path: Path) -> Search:
    """The search in the file ``path``.

    Raises:
        UsageError: it is unreadable or is no record of a search.
    """
    try:
        return Search.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read the search {path}: {error.strerror or error}; check its permissions") from error
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"the file {path} is no record of a search: {where + ': ' if where else ''}{first['msg']}; restore it, or "
            "delete it and run the study again, which needs no new trial"
        ) from error
