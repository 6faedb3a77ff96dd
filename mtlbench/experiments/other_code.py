"""Recorded cells that other code gave than would run today: a cell is known by names and parameters, not by code."""

from collections.abc import Iterable, Mapping

from mtlbench.discovery import Catalogue
from mtlbench.experiments.events import OtherCode
from mtlbench.experiments.job import Job
from mtlbench.records.provenance import source_hash
from mtlbench.records.store import Summary


def other_code(jobs: Iterable[Job], known: Mapping[str, Summary], catalogue: Catalogue) -> OtherCode | None:
    """Of ``jobs`` the cells that are ``known`` from other code than would run today; ``None`` where there are none."""
    today: dict[tuple[str, str], str] = {}
    cells, plugins = 0, {}
    for job in jobs:
        if (summary := known.get(job.cell.id)) is None:
            continue
        changed = []
        for kind, used in summary.plugins.items():
            if (kind, used.name) not in today:
                today[kind, used.name] = source_hash(catalogue.get(kind, used.name).cls)
            if today[kind, used.name] != used.source:
                changed.append(f"{kind} {used.name}")
        cells += bool(changed)
        plugins.update(dict.fromkeys(changed))
    return OtherCode(cells, tuple(plugins)) if cells else None
