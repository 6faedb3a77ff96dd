"""What a backbone and a weighting know about a dataset: fields and tasks, and no data."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Field:
    """One categorical column after encoding.

    Index 0 is the unknown id: every value that the training split does not contain.
    """

    name: str
    cardinality: int
    """Number of indices, the unknown one included: indices lie in ``[0, cardinality)``."""


@dataclass(frozen=True)
class Schema:
    """Shape of an encoded dataset.

    With ``relation`` ``"funnel"`` the tasks are stages of one funnel, in their order: task k + 1 happens only where
    task k did, as conversion after click. Else the relation is ``"parallel"``.
    """

    categorical: tuple[Field, ...]
    numerical: tuple[str, ...]
    tasks: tuple[str, ...]
    relation: Literal["funnel", "parallel"]
    sessions: bool
    """Whether rows have a session and a usable timestamp, so that there is a session MDP."""
    user_inputs: tuple[str, ...] = ()
    """The inputs, categorical and numerical, that describe the user rather than the item or the moment."""
