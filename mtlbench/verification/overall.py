"""Whether a page over logs, and its figure, are what the records of its boards give."""

import html
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.figures.over_logs import draw_over_logs
from mtlbench.leaderboards.formats.over_logs import REBUILD, sources_of
from mtlbench.leaderboards.overall import OverallPage, overall_page
from mtlbench.verification.findings import Finding, different_lines


def overall_findings(path: Path) -> tuple[list[Finding], list[Finding]]:
    """What differs between the page, with its figure, and those built from the sources that it names; and notes."""
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
    try:
        return [*found, *_figure_findings(path, expected)], []
    except UsageError as error:
        unknown = f"whether the figure is out of date was not looked at: {error}"
        return found, [Finding("page", unknown, expected.figure)]


def _figure_findings(path: Path, expected: OverallPage) -> list[Finding]:
    """What the figure of the page says otherwise than one drawn now; its lines depend on the version of matplotlib.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not expected.figure.is_file():
        return [Finding("page", f"the figure of {path.name} is missing; {REBUILD}", expected.figure)]
    with tempfile.TemporaryDirectory(prefix="mtlbench-figure-") as folder:
        drawn = Path(folder) / expected.figure.name
        draw_over_logs(expected.found, drawn)
        wanted, shown = _texts(drawn), _texts(expected.figure)
    if shown == wanted:
        return []
    told = "it does not say what the records give: it was edited by hand or is out of date"
    lines = different_lines("\n".join(shown), "\n".join(wanted), expected.figure.name)
    return [Finding("page", f"{told}; {REBUILD}", expected.figure, lines=lines)]


def _texts(figure: Path) -> Sequence[str]:
    """The texts of an SVG, in the order in which they are drawn."""
    return [*map(html.unescape, re.findall(r"<text\b[^>]*>([^<]*)</text>", figure.read_text("utf-8", "replace")))]
