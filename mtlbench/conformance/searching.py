"""What trials may set."""

from pydantic import ValidationError

from mtlbench.config.space import declared_by
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule

POINTS = (0.0, 0.2, 0.5, 0.8, 1 - 2**-30)
"""Where a range is looked at; a trial's numbers are below 1."""


@rule("weighting")
def search_space(plugin: PluginUnderTest) -> None:
    """The plugin takes every value of the search space that its parameters declare."""
    searched = declared_by(plugin.cls.Params)
    if not searched:
        raise NotApplicableError("it declares none, so that trials search the common settings alone")
    for name, search in searched.items():
        for tasks in (1, 2, 5):
            for share in POINTS:
                value = search.at([share] * search.dimensions(tasks), tasks)
                try:
                    plugin.cls.Params.model_validate({name: value})
                except ValidationError as error:
                    reason = error.errors(include_url=False)[0]["msg"]
                    broken(
                        f"the search of {name} ({search}) gives {value!r} for {tasks} tasks: {reason}",
                        "search a range inside the bounds of the parameter, and values of its type",
                    )
