"""Whether a page over logs is what the records of its boards give."""

from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.leaderboards.formats.over_logs import REBUILD, sources_of
from mtlbench.leaderboards.overall import overall_page
from mtlbench.verification.findings import Finding, different_lines


def overall_findings(path: Path) -> list[Finding]:
    """What differs between the page and one built from the sources that it names."""
    text = path.read_text(encoding="utf-8")
    try:
        expected = overall_page(path, sources_of(text))
    except UsageError as error:
        return [Finding("page", str(error), path)]
    found = []
    if text != expected.text:
        told = "it does not read as the records of its boards give it: it was edited by hand or is out of date"
        lines = different_lines(text, expected.text, path.name)
        found.append(Finding("page", f"{told}; {REBUILD}", path, lines=lines))
    if not expected.figure.is_file():
        found.append(Finding("page", f"the figure of {path.name} is missing; {REBUILD}", expected.figure))
    return found
