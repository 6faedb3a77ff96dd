"""Whether a page over logs, and its figure, are what the records of its boards give."""

import html
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.figures.over_logs import draw_over_logs
from mtlbench.leaderboards.boards.over_logs import OverLogs
from mtlbench.leaderboards.formats.over_logs import REBUILD, sources_of
from mtlbench.leaderboards.overall import overall_page
from mtlbench.verification.findings import Finding, different_lines


def overall_findings(path: Path) -> tuple[list[Finding], list[Finding]]:
    """What differs between the page, with its figures, and those built from the sources that it names; and notes."""
    text = path.read_text(encoding="utf-8")
    try:
        expected = overall_page(path, sources_of(text))
    except UsageError as error:
        return [Finding("page", str(error), path)], []
    found = []
    if text != expected.text:
        told = "it does not read as the records of its boards give it: it was edited by hand or is out of date"
        lines = different_lines(text, expected.text, path.name)
        found.append(Finding("page", f"{told}; {REBUILD}", path, lines=lines))
    pairs = zip(expected.found, expected.figures, strict=True)
    try:
        return [*found, *(one for each, figure in pairs for one in _figure_findings(path, each, figure))], []
    except UsageError as error:
        unknown = f"whether the figures are out of date was not looked at: {error}"
        return found, [Finding("page", unknown, expected.figures[0])]


def _figure_findings(path: Path, found: OverLogs, figure: Path) -> list[Finding]:
    """What a figure of the page says otherwise than one drawn now; its lines depend on the version of matplotlib.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not figure.is_file():
        return [Finding("page", f"a figure of {path.name} is missing; {REBUILD}", figure)]
    with tempfile.TemporaryDirectory(prefix="mtlbench-figure-") as folder:
        drawn = Path(folder) / figure.name
        draw_over_logs(found, drawn)
        wanted, shown = _texts(drawn), _texts(figure)
    if shown == wanted:
        return []
    told = "it does not say what the records give: it was edited by hand or is out of date"
    lines = different_lines("\n".join(shown), "\n".join(wanted), figure.name)
    return [Finding("page", f"{told}; {REBUILD}", figure, lines=lines)]


def _texts(figure: Path) -> Sequence[str]:
    """The texts of an SVG, in the order in which they are drawn."""
    return [*map(html.unescape, re.findall(r"<text\b[^>]*>([^<]*)</text>", figure.read_text("utf-8", "replace")))]
