"""From a folder of records to the files of its leaderboard, and back from a folder or a page to scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import cast, get_args

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.files import replacing
from mtlbench.leaderboards.boards.columns import TABLE_METRICS
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.scores import BoardScores, board_scores
from mtlbench.leaderboards.comparing.published import SOURCES
from mtlbench.leaderboards.formats import WRITERS
from mtlbench.leaderboards.formats.markdown import to_markdown
from mtlbench.leaderboards.formats.page import REBUILD, read_page
from mtlbench.leaderboards.tables.layout import DEFAULT_ORDER, Layout, build
from mtlbench.leaderboards.tables.table import Table
from mtlbench.memory import without_cycle_search
from mtlbench.records import Record, RecordStore
from mtlbench.records.searches import Search, read_searches
from mtlbench.records.tuned import with_tuned_rows

STEM = "leaderboard"
PAGE = ".md"


@dataclass(frozen=True)
class PageOptions:
    """What a leaderboard is built with, as ``mtlbench leaderboard build`` takes it and as its page names it."""

    layout: Layout = "methods"
    sort: str = DEFAULT_ORDER
    baselines: tuple[str, ...] = ()

    @classmethod
    def of(cls, layout: str, sort: str = DEFAULT_ORDER, baselines: Sequence[str] = ()) -> "PageOptions":
        """The options as a user gave them.

        Raises:
            UsageError: the layout is unknown.
        """
        if layout not in get_args(Layout):
            raise UsageError(f"unknown layout {layout!r}: {did_you_mean(layout, list(get_args(Layout)))}")
        return cls(cast(Layout, layout), sort, tuple(baselines))

    @classmethod
    def parsed(cls, words: Sequence[str]) -> "PageOptions":
        """The inverse of :meth:`typed`.

        Raises:
            UsageError: they are none.
        """
        values: dict[str, list[str]] = {"--layout": ["methods"], "--sort": [DEFAULT_ORDER], "--baseline": []}
        for name, value in zip_longest(words[::2], words[1::2]):
            if name not in values or value is None:
                raise UsageError(
                    f"its first line names the option {name!r}, which is none of {', '.join(values)}; {REBUILD}"
                )
            values[name].append(value)
        return cls.of(values["--layout"][-1], values["--sort"][-1], values["--baseline"])

    def typed(self) -> list[str]:
        """Those that are not the defaults, as one types them."""
        words = [] if self.layout == "methods" else ["--layout", self.layout]
        words += [] if self.sort == DEFAULT_ORDER else ["--sort", self.sort]
        return [*words, *(word for baseline in self.baselines for word in ("--baseline", baseline))]


def publish(out: Path, options: PageOptions, formats: Sequence[str] = ("md",)) -> list[Table]:
    """Write the leaderboard of all records in ``out``, a results folder or a page with records beside it.

    Returns:
        its tables.

    Raises:
        UsageError: there are no records, an option does not fit them, or a file cannot be written.
    """
    for name in formats:
        if name not in WRITERS:
            raise UsageError(f"unknown format {name!r}: {did_you_mean(name, list(WRITERS))}")
    with without_cycle_search():
        # As an iterator, so that the records are freed when they are on their boards.
        records, searches = iter(read_records(out, scores_only=True)), searches_of(out)
        tables = build(records, options.layout, options.sort, options.baselines, searches)
        contents = {name: WRITERS[name](tables, options.typed()) for name in formats}
    for name, content in contents.items():
        write_file(file_of(out, STEM, f".{name}"), content)
    return tables


def rebuilt(records: Iterable[Record], words: Sequence[str], searches: Sequence[Search] = ()) -> str:
    """The page of ``records`` and ``searches`` under the options that a page names.

    Raises:
        UsageError: an option is unknown, or does not fit the records.
    """
    return to_markdown(rebuilt_tables(records, words, searches), options=words)


def rebuilt_tables(records: Iterable[Record], words: Sequence[str], searches: Sequence[Search] = ()) -> list[Table]:
    """The tables of ``records`` and ``searches`` under the options that a page or another file names.

    Raises:
        UsageError: an option is unknown, or does not fit the records.
    """
    options = PageOptions.parsed(words)
    return build(records, options.layout, options.sort, options.baselines, searches)


def read_records(out: Path, scores_only: bool = False) -> list[Record]:
    """The records in the results folder ``out``, or those beside the page ``out``, in ``records/<its stem>/``.

    The page that a run writes into its results folder has the records of that folder.

    Those of tuned rows are as :func:`mtlbench.records.tuned.with_tuned_rows` gives them.

    Args:
        out: the folder or the page.
        scores_only: keep of each record what leaderboards are made of: test scores, last weights and spend.

    Raises:
        UsageError: there are none, or one is unreadable.
    """
    store = _store(out)
    records = store.read_for_tables(TABLE_METRICS) if scores_only else store.read_all()
    if not records:
        remedy = "copy them there" if out.suffix == PAGE else f"`mtlbench run --out {out}` makes them"
        raise UsageError(f"there are no records in {store.folder}; {remedy}")
    return list(with_tuned_rows(records, read_searches(store.folder)))


def searches_of(out: Path) -> list[Search]:
    """The searches among the records that :func:`read_records` reads."""
    return read_searches(_store(out).folder)


def _store(out: Path) -> RecordStore:
    if out.suffix != PAGE:
        return RecordStore(out)
    own = out.parent / "records" / out.stem
    return RecordStore(out.parent) if out.stem == STEM and not own.is_dir() else RecordStore.at(own)


def read_scores(path: Path) -> tuple[BoardScores, ...]:
    """The scores of a results folder, or those that a leaderboard page carries.

    Raises:
        UsageError: there are none, or the page was edited by hand.
    """
    if path.is_dir():
        return tuple(map(board_scores, boards(iter(read_records(path, scores_only=True)))))
    if not path.exists():
        hint = f"; did you mean --reference {path}?" if str(path) in SOURCES else ""
        raise UsageError(f"there is no {path}: expected a results folder or a leaderboard file{hint}")
    return read_page(path).boards


def file_of(out: Path, stem: str, ending: str) -> Path:
    """Where a file made of the records of ``out`` goes: into a results folder, or beside a page under its name."""
    return out.with_suffix(ending) if out.suffix == PAGE else out / f"{stem}{ending}"


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; check that the folder exists and may be written"
        ) from error
