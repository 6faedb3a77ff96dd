"""What there is to verify: records in their files, and the page that was made of them."""

from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards.formats.over_logs import is_overall_page
from mtlbench.records import Record, read_record
from mtlbench.records.files import record_files
from mtlbench.verification.findings import Finding

RESULTS_PAGE = "leaderboard.md"


@dataclass(frozen=True)
class Stored:
    """A record and its file."""

    path: Path
    record: Record


@dataclass(frozen=True)
class Collection:
    """Records that one page is made of."""

    records: Path
    """Their folder."""
    page: Path
    """Where their page is, or should be."""
    page_required: bool


def collections(folder: Path) -> list[Collection]:
    """The collections in a results folder, or in a folder of leaderboards with ``records/<board>/``.

    Raises:
        UsageError: the folder is neither.
    """
    records = folder / "records"
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: expected a results folder, or a folder of leaderboards")
    if record_files(records):
        return [Collection(records, folder / RESULTS_PAGE, page_required=False)]
    boards = {path.name for path in records.glob("[!.]*") if path.is_dir()} | {path.stem for path in _pages(folder)}
    if not boards or not records.is_dir():
        raise UsageError(
            f"{folder} has nothing to verify: expected records/*.json and {RESULTS_PAGE}, as `mtlbench run --out "
            f"{folder}` writes them, or several BOARD.md with records/BOARD/*.json"
        )
    return [Collection(records / board, folder / f"{board}.md", page_required=True) for board in sorted(boards)]


def overall_pages(folder: Path) -> list[Path]:
    """The pages over logs in ``folder``."""
    return [path for path in sorted(folder.glob("[!.]*.md")) if is_overall_page(_start(path))]


def _start(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def _pages(folder: Path) -> list[Path]:
    """Those of one board."""
    others = {folder / "README.md", *overall_pages(folder)}
    return [path for path in folder.glob("[!.]*.md") if path not in others]


def read(collection: Collection) -> tuple[list[Stored], list[Finding]]:
    """The readable records of a collection, each once, and a finding for every other file."""
    stored: dict[str, Stored] = {}
    findings = []
    for path in record_files(collection.records):
        try:
            record = read_record(path)
        except UsageError as error:
            findings.append(Finding("schema", str(error), path))
            continue
        if record.cell in stored:
            text = f"{stored[record.cell].path.name} holds the same cell, which counts once; delete one of the two"
            findings.append(Finding("schema", text, path, record))
            continue
        stored[record.cell] = Stored(path, record)
    if not stored and not findings:
        findings.append(Finding("page", f"{collection.page.name} has no records to be built from", collection.records))
    return list(stored.values()), findings
