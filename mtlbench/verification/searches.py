"""Whether the records of searches say what their trials gave, and chose by the rule."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.records import Record, checksum
from mtlbench.records.searches import Search, read_search, search_paths
from mtlbench.records.trials import Trained, Trial, choose, kept, short_epochs
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Collection, Stored


@dataclass(frozen=True)
class StoredSearch:
    """The record of a search and its file."""

    path: Path
    search: Search


def read_searches(collection: Collection) -> tuple[list[StoredSearch], list[Finding]]:
    """The readable searches of a collection, and a finding for every other file."""
    stored, findings = [], []
    places: set[tuple[str, int]] = set()
    for path in search_paths(collection.records):
        try:
            search = read_search(path)
        except UsageError as error:
            findings.append(Finding("schema", str(error), path))
            continue
        if search.places & places:
            told = (
                "it reports the row and seed of another search beside it, and counts for nothing; delete one of the two"
            )
            findings.append(Finding("identity", told, path))
        else:
            stored.append(StoredSearch(path, search))
            places |= search.places
    return stored, findings


def searched(searches: Sequence[StoredSearch], stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about searches.

    The choice is computed again from the trials that the search lists. Each trial and each reporting cell is held
    against its record, where that is there: a board may be published without the records of its trials.
    """
    records = {one.record.cell: one.record for one in stored}
    for one in searches:
        content = json.loads(one.path.read_bytes())
        if checksum(content) != one.search.checksum:
            told = "its content is not what was written, by its checksum; restore the file or run the study again"
            yield Finding("checksum", told, one.path)
        elif one.path.stem != one.search.stem:
            yield Finding("identity", f"its file must be called {one.search.stem}.json; rename it", one.path)
        for text in _faults(one.search, records):
            yield Finding("selection", f"{text}; run the study again, which needs no new trial", one.path)


def _faults(search: Search, records: Mapping[str, Record]) -> Iterator[str]:
    best = choose(search.trials)
    if search.trials and search.chosen != best:
        yield f"it chose trial {search.chosen}, but the best of its trials on validation is {best}"
    numbers = [trial.number for trial in search.trials]
    if numbers and numbers != list(range(search.planned)):
        yield f"it has the trials {_numbers(numbers)}, but {search.planned} are planned, from 0 on"
    if search.halving and search.trials:
        ended = [trial.number for trial in search.trials if not trial.stopped]
        best_short = kept([trial.trainings[0] for trial in search.trials])
        if ended != best_short:
            yield (
                f"it trained the trials {_numbers(ended)} to the end, but those with the best short trainings are "
                f"{_numbers(best_short)}"
            )
    for trial in search.trials:
        for trained in trial.trainings:
            if (record := records.get(trained.cell)) is not None:
                short = {"epochs": _short_epochs(search)} if trial.stopped or trained is trial.short else {}
                yield from _differences(f"trial {trial.number}", trial, search, search.seed, record, short)
                yield from _results(trial.number, trained, record)
    for one in search.reports:
        record, won = records.get(one.cell), search.winner
        if record is not None and won is not None:
            yield from _differences(f"the report of seed {one.seed}", won, search, one.seed, record)


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:20])) or "none"


def _short_epochs(search: Search) -> int | None:
    """Of the short trainings of its trials; ``None`` where it does not say how many epochs it has."""
    epochs = search.training.get("epochs")
    return short_epochs(epochs) if isinstance(epochs, int) else None


def _results(number: int, one: Trained, record: Record) -> Iterator[str]:
    """What a search says of a training that its record says otherwise."""
    chosen = record.selection
    said = (record.status, chosen.objective, chosen.validation_loss) if chosen else (record.status, None, None)
    if said != (one.status, one.score, one.loss):
        yield (
            f"of trial {number} it says {one.status}, score {one.score}, loss {one.loss}; the record of the cell "
            f"{one.cell[:12]} says {', '.join(map(str, said))}"
        )


def _differences(
    what: str, trial: Trial, search: Search, seed: int, record: Record, short: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[str]:
    """Where the cell of a record is not that of a search under the setting of ``trial``, as ``short`` changes it."""
    pairs: list[tuple[str, Any, Any]] = [
        ("seed", record.seed, seed),
        ("data", record.dataset.fingerprint, search.dataset.fingerprint),
        ("backbone", record.backbone.name, search.backbone.name),
        ("weighting", record.weighting.name, search.weighting.name),
    ]
    for part, base in (("backbone", search.backbone.params), ("weighting", search.weighting.params)):
        wanted = {**base, **getattr(trial, part)}
        pairs += [(name, value, wanted.get(name)) for name, value in getattr(record, part).params.items()]
    wanted = {**search.training, **trial.training, **short}
    pairs += [(name, record.training.get(name), wanted[name]) for name in wanted if name in record.training]
    for name, has, is_wanted in pairs:
        if has != is_wanted:
            yield f"{what} has {name} = {has} in its record, and {is_wanted} in the search"
