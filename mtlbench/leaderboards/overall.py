"""From the records of many boards to the page over logs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.over_logs import OverLogs, over_logs
from mtlbench.leaderboards.formats.over_logs import to_overall_page
from mtlbench.leaderboards.publishing import PAGE, read_records
from mtlbench.records.files import record_files


@dataclass(frozen=True)
class OverallPage:
    """The page over logs and what it shows."""

    found: tuple[OverLogs, ...]
    text: str
    figures: tuple[Path, ...]
    """Where the heat map of each of ``found`` belongs."""


def overall_page(out: Path, sources: Sequence[str]) -> OverallPage:
    """The page ``out`` of all boards in ``sources``; nothing is written.

    Args:
        out: the page, whose folder its sources are seen from.
        sources: pages with their records beside them, results folders, and folders of pages.

    Raises:
        UsageError: a source has no records, two are the same, or no board has a weighting to compare.
    """
    if out.suffix != PAGE:
        raise UsageError(f"--out {out}: the page is Markdown; name a file that ends in {PAGE}")
    places = [place for source in sources for place in _places(out.parent / source)]
    names = [_seen_from(out, place) for place in places]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{twice[0]} was given twice; a board counts once: leave one out")
    found = over_logs(
        (name.removesuffix(PAGE), boards(iter(read_records(place, scores_only=True))))
        for name, place in zip(names, places, strict=True)
    )
    if not found:
        raise UsageError(
            "there is nothing to compare: no board has constant weights and another weighting with every seed; "
            "`mtlbench run --weighting constant,rmtl` makes one"
        )
    others = (f"{out.stem}-{place}" for place in range(2, len(found) + 1))
    figures = tuple(out.with_name(f"{stem}.svg") for stem in (out.stem, *others))
    text = to_overall_page(found, sources, names, [figure.name for figure in figures])
    return OverallPage(tuple(found), text, figures)


def seen_from(out: Path, sources: Sequence[Path]) -> list[str]:
    """Paths as seen from the folder of the page ``out``, which then may move together with them."""
    return [_seen_from(out, source) for source in sources]


def _seen_from(out: Path, path: Path) -> str:
    return Path(os.path.relpath(path, out.parent)).as_posix()


def _places(source: Path) -> list[Path]:
    """The page or results folder that ``source`` is, or the pages whose records a folder of leaderboards holds."""
    records = source / "records"
    if source.suffix == PAGE or not records.is_dir() or record_files(records):
        return [source]
    pages = sorted(source / f"{folder.name}{PAGE}" for folder in records.glob("[!.]*") if folder.is_dir())
    return pages or [source]
