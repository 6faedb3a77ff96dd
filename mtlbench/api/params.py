"""Parameters of a plugin: a validated, immutable pydantic model."""

from typing import Any

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


def added_later(default: Any, **options: Any) -> Any:
    """A pydantic ``Field`` that came after the first results of its plugin, and at ``default`` changes none of them.

    At its default it is no part of what identifies a result: ids of cells and fingerprints of data stay as they were
    before there was the field. Set to anything else, it counts like every other field::

        tasks: str = api.added_later("paper", description="which outcomes are tasks")

    The default must not change afterwards.

    Args:
        default: what the plugin did before.
        **options: of pydantic's ``Field``, besides ``json_schema_extra``.
    """
    return Field(default, json_schema_extra={_LATER: True}, **options)


def identifying(params: BaseModel, by_alias: bool = True) -> dict[str, Any]:
    """The parameters that identify a result, as JSON values: all but those :func:`added_later` that are at default.

    Args:
        params: validated parameters.
        by_alias: whether fields go by their public names, else by those in Python.
    """
    same = {
        name
        for name, field in type(params).model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get(_LATER)
        and getattr(params, name) == field.default
    }
    return params.model_dump(mode="json", by_alias=by_alias, exclude=same)
