"""Parameters of a plugin: a validated, immutable pydantic model."""

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Base of every plugin's ``Params``.

    Give each field a default, a range (``ge``, ``le``, ...) and a ``description``. The command line checks the range,
    and ``mtlbench info`` prints all three. A field whose public name is a Python keyword takes an alias::

        class Params(mtlbench.api.Params):
            lambda_: float = Field(0.7, ge=0, alias="lambda", description="weight of the critic")
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class NoParams(Params):
    """For a plugin without parameters."""
