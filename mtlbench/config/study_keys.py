"""The types of a study's keys."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mtlbench.bounds import INTEGER

MOST_CELLS = 1_000_000
"""Of a study: a cell costs 3 KB while it runs."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One text or several, each a plugin spec in the grammar of :mod:`mtlbench.config.grammar`."""

Specs = Annotated[Texts, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=INTEGER)]
Seeds = Annotated[int, Field(ge=1, le=MOST_CELLS)] | Annotated[tuple[Seed, ...], Field(min_length=1)]
"""Their number, for 0, 1, ..., or a list of them."""
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Grid(BaseModel):
    """Backbones and weightings of which every pair is run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbones: Specs
    weightings: Specs
