"""Bars in the output of a notebook's cell: plain HTML that is shown anew, which needs no widgets."""

import io
import time
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.text import Text

Show = Callable[[str], None]
"""Shows HTML in place of what was shown before."""

COLUMNS = 100
SECONDS = 0.2
"""Between two drawings."""
FORMAT = (
    '<pre style="margin: 0; line-height: 1.4; white-space: pre; overflow-x: auto; '
    "font-family: Menlo, 'DejaVu Sans Mono', Consolas, monospace\">{code}</pre>"
)


class InCell:
    """Draws ``bars`` again after an event, a few times a second at most."""

    def __init__(self, bars: RenderableType, show: Show) -> None:
        self._bars = bars
        self._show = show
        self._drawn = -SECONDS

    def refresh(self) -> None:
        """Draw, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._drawn >= SECONDS:
            self._drawn = now
            self._show(html(self._bars))

    def leave(self, last: str) -> None:
        """Leave ``last`` in place of the bars."""
        self._show(html(Text(last)) if last else "")


def in_output() -> Show:
    """A place in the output of the running cell, above what is printed later."""
    from IPython.display import HTML, display

    handle = display(HTML(""), display_id=True)
    return lambda text: handle.update(HTML(text))


def html(content: RenderableType) -> str:
    """``content`` as a console of 100 columns prints it."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=COLUMNS,
        force_terminal=True,
        force_jupyter=False,
        color_system="truecolor",
    )
    console.print(content, end="")
    return console.export_html(inline_styles=True, code_format=FORMAT)
