"""Whether a page over logs is what the records of its boards give."""

from collections.abc import Iterator
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards.formats.over_logs import REBUILD, sources_of
from mtlbench.leaderboards.overall import overall_page
from mtlbench.verification.findings import Finding, different_lines


def overall_pages(folder: Path) -> list[Path]:
    """The pages over logs in ``folder``."""
    return [path for path in sorted(folder.glob("[!.]*.md")) if _sources(path) is not None]


def overall_findings(path: Path) -> Iterator[Finding]:
    """What differs between the page and one built from the sources that it names."""
    sources = _sources(path)
    try:
        expected = overall_page(path, sources or [])
    except UsageError as error:
        yield Finding("page", str(error), path)
        return
    text = path.read_text(encoding="utf-8")
    if text != expected.text:
        told = (
            f"it does not read as the records of its boards give it: it was edited by hand or is out of date; {REBUILD}"
        )
        yield Finding("page", told, path, lines=different_lines(text, expected.text, path.name))
    if not expected.figure.is_file():
        yield Finding("page", f"its figure is missing; {REBUILD}", expected.figure)


def _sources(path: Path) -> list[str] | None:
    try:
        return sources_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
