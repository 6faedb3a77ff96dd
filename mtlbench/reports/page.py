"""The page: its template filled with the content of the records, the drawing library inlined."""

from collections.abc import Sequence
from typing import Any

import mtlbench
from mtlbench.errors import UsageError
from mtlbench.figures.canvas import COLOURS
from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.reports.content import content
from mtlbench.text import one_line, printable

SCRIPTS = (
    "report.js",
    "drawing.js",
    "labels.js",
    "tradeoff.js",
    "differences.js",
    "curves.js",
    "figures.js",
    "details.js",
)


def html_page(records: Sequence[Record], title: str, searches: Sequence[Search] = ()) -> str:
    """The report of ``records`` as HTML that needs no network, the same for the same records.

    ``searches`` are those behind their tuned rows.

    What records say reaches the page as text alone: through the template's escaping, and as JSON in which nothing can
    end the script that holds it.

    Raises:
        UsageError: jinja2 or plotly is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader
        from markupsafe import Markup
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise UsageError("the report needs jinja2 and plotly: python -m pip install 'mtlbench[report]'") from error
    environment = Environment(loader=PackageLoader("mtlbench.reports"), autoescape=True, trim_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}

    def asset(name: str) -> Markup:
        """A file of our own, which is code and not data."""
        source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        return Markup(source)

    return environment.get_template("report.html.j2").render(
        title=one_line(title),
        version=mtlbench.__version__,
        content=_printable(content(records, searches)),
        colours=COLOURS,
        asset=asset,
        scripts=SCRIPTS,
        plotly=Markup(get_plotlyjs()),
    )


def _printable(value: Any) -> Any:
    """A JSON value whose texts, names of fields among them, are printable; a traceback keeps its lines."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(name): _printable(item) for name, item in value.items()}
    return list(map(_printable, value)) if isinstance(value, (list, tuple)) else value
