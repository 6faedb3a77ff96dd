"""The directive ``plugins``: a section for each built-in plugin of a kind, from its docstring and its parameters."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mtlbench.config.parameters import parameter_rows
from mtlbench.discovery import Entry, discover


class Plugins(SphinxDirective):
    """``.. plugins:: dataset``, or another kind of plugin."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The sections, sorted by name."""
        entries = discover().of_kind(self.arguments[0])
        sections = []
        for name in sorted(entries):
            section = nodes.section(ids=[f"{self.arguments[0]}-{name}"])
            section += nodes.title(text=name)
            lines = StringList(_lines(entries[name]), source=f"plugin {name}")
            self.state.nested_parse(lines, self.content_offset, section)
            sections.append(section)
        return sections


def _lines(entry: Entry) -> list[str]:
    lines = [f".. autoclass:: {entry.cls.__module__}.{entry.cls.__name__}", "   :no-members:", ""]
    rows = parameter_rows(entry.cls.Params)
    if not rows:
        return [*lines, "It has no parameters."]
    lines += [".. list-table::", "   :header-rows: 1", "   :widths: 15 20 25 40", ""]
    for row in [dict.fromkeys(rows[0], ""), *rows]:
        cells = [f"``{row[head]}``" if row[head] and head != "description" else row[head] for head in row]
        cells = list(rows[0]) if not any(row.values()) else cells
        lines += [f"   {'*' if place == 0 else ' '} - {cell}" for place, cell in enumerate(cells)]
    return lines


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("plugins", Plugins)
    return {"parallel_read_safe": True}
