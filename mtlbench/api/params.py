"""Parameters of a plugin: a validated, immutable pydantic model."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_LATER = "added_later"


class Params(BaseModel):
    """Base of every plugin's ``Params``.

    Give each field a default, a range (``ge``, ``le``, ...) and a ``description``. The command line checks the range,
    and ``mtlbench info`` prints all three. A field whose public name is a Python keyword takes an alias::

        class Params(mtlbench.api.Params):
            lambda_: float = Field(0.7, ge=0, alias="lambda", description="weight of the critic")

    A field of a plugin that has results already is made by :func:`added_later`, so that those stay valid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class NoParams(Params):
    """For a plugin without parameters."""


_DEFAULT: Any = object()


def added_later(default: Any, *, before: Any = _DEFAULT, **options: Any) -> Any:
    """A pydantic ``Field`` that came after the first results of its plugin, and changes none of them.

    At the value that does what the plugin did before, it is no part of what identifies a result: ids of cells and
    fingerprints of data stay as they were before there was the field. Set to anything else, it counts like every other
    field::

        tasks: str = api.added_later("paper", description="which outcomes are tasks")

    That value must not change afterwards.

    Args:
        default: of the field.
        before: what the plugin did before, where that is not the default.
        **options: of pydantic's ``Field``, besides ``json_schema_extra``.
    """
    return Field(default, json_schema_extra={_LATER: default if before is _DEFAULT else before}, **options)


Where = Literal["parameters", "representation"]
"""Where the gradients of the tasks are compared."""


class GradientParams(Params):
    """Base of the parameters of a weighting that compares task gradients, and keeps nothing for each parameter.

    With ``at=representation`` its ``step.gram`` and ``step.jacobian`` are of the gradients of the task losses with
    respect to the backbone's shared representation (:meth:`mtlbench.api.Backbone.represent`). The weights or the
    direction that it gives apply to all that lies below the representation; all that lies above follows the plain
    average.
    """

    at: Where = added_later(
        "parameters", description="whether gradients of the shared parameters or of the shared representation compare"
    )


def identifying(params: BaseModel, by_alias: bool = True) -> dict[str, Any]:
    """The parameters that identify a result, as JSON values: all but those :func:`added_later` that are as before.

    Args:
        params: validated parameters.
        by_alias: whether fields go by their public names, else by those in Python.
    """
    same = {name for name, value in _before(type(params)).items() if getattr(params, name) == value}
    return params.model_dump(mode="json", by_alias=by_alias, exclude=same)


def recorded(cls: type[BaseModel], identity: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, by public name, that have the ``identity`` which :func:`identifying` gave, perhaps long ago."""
    fields = cls.model_fields
    before = {
        fields[name].alias or name: value for name, value in _before(cls).items() if value != fields[name].default
    }
    return {**before, **identity}


def _before(cls: type[BaseModel]) -> dict[str, Any]:
    """What each parameter :func:`added_later` was before there was it."""
    extra = {name: field.json_schema_extra for name, field in cls.model_fields.items()}
    return {name: one[_LATER] for name, one in extra.items() if isinstance(one, dict) and _LATER in one}
