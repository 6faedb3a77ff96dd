"""The documentation that a plugin of any kind must have."""

import re
from inspect import cleandoc

from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule

LINK = re.compile(r"https?://\w")


@rule("dataset", "backbone", "weighting", "tracker")
def documented(plugin: PluginUnderTest) -> None:
    """The docstring has a one-sentence summary, a link to the source and the formula.

    Of data read from files the source is enough, of generated data the formula, of the user's own data and of a tracker
    the summary.
    """
    cls, text = plugin.cls, cleandoc(plugin.cls.__doc__ or "")
    summary, _, rest = text.partition("\n")
    if not summary.strip().endswith(".") or rest.partition("\n")[0].strip():
        broken(f"the docstring begins with {summary!r}", "begin with one sentence on one line, then a blank line")
    if cls.needs_parameters or plugin.entry.kind == "tracker":
        return
    generated = plugin.entry.kind == "dataset" and cls.folder is None and cls.package is None
    if not generated and not LINK.search(text):
        broken("the docstring has no link", "name the source: authors, title, venue, and a link, https://...")
    if (generated or plugin.entry.kind != "dataset") and ".. math::" not in text:
        broken("the docstring has no formula", 'write it as a `.. math::` block, in a raw docstring: r"""..."""')


@rule("dataset", "backbone", "weighting", "tracker")
def parameters_are_described(plugin: PluginUnderTest) -> None:
    """Every parameter has a description."""
    silent = [name for name, info in plugin.cls.Params.model_fields.items() if not (info.description or "").strip()]
    if silent:
        broken(
            f"no description of {', '.join(silent)}",
            'Field(default, description="what it is, its range, the paper\'s symbol")',
        )
