"""The interactive report of each committed leaderboard: made from its records when the site is built, and linked.

The directive ``boards`` is the list of links. A report has 5 MB, so it is in the site and not in the repository.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mtlbench.leaderboards.publishing import read_records, read_scores, searches_of, write_file
from mtlbench.reports import html_page
from mtlbench.text import counted

BOARDS = Path(__file__).parents[2] / "leaderboards"
FOLDER = "boards"
"""Of the site, with a report of each board."""


def boards() -> list[Path]:
    """The pages that have records beside them."""
    pages = [page for page in BOARDS.glob("*.md") if (BOARDS / "records" / page.stem).is_dir()]
    return sorted(pages, key=lambda page: page.stem)


class Boards(SphinxDirective):
    """``{boards}``: a link to each report, with what the board is of."""

    def run(self) -> list[nodes.Node]:
        """The list, in the order of names."""
        return [nodes.bullet_list("", *map(entry, boards()))]


def entry(page: Path) -> nodes.Node:
    """A page's line in that list: what it is of by its first board, and how many more logs it has."""
    board, *others = read_scores(page)
    seeds = max(len(method.seeds) for method in board.methods)
    weightings = len({method.weighting.name for method in board.methods})
    backbones = len({method.backbone.name for method in board.methods})
    link = nodes.reference("", page.stem, refuri=f"{FOLDER}/{page.stem}.html")
    tasks = len({task for task, _ in board.columns})
    counts = ((tasks, "task"), (weightings, "weighting"), (backbones, "backbone"), (seeds, "seed"))
    text = ", ".join(counted(count, name) for count, name in counts)
    more = f" and {counted(len(others), 'more log')}" if others else ""
    return nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(f": {board.title}{more}, {text}")))


def write_reports(app: Sphinx, exception: Exception | None) -> None:
    """Write the report of each board into the site that was built."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for page in boards():
        html = html_page(read_records(page), page.stem, searches_of(page))
        write_file(folder / f"{page.stem}.html", html.encode())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the hook."""
    app.add_directive("boards", Boards)
    app.connect("build-finished", write_reports)
    return {"parallel_read_safe": True}
