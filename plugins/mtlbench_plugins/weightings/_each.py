"""Parameters with one value for each task of the dataset."""

from collections.abc import Sized

from mtlbench import api


def wrong_number(values: Sized, what: str, schema: api.Schema, *, one_for_all: bool = False) -> str | None:
    """Why ``values``, called ``what``, are not one for each task; none at all is right too.

    Args:
        values: of a parameter.
        what: their name, in the plural.
        schema: of the dataset.
        one_for_all: whether a single value is right as well.
    """
    names = schema.task_names
    if len(values) in {0, len(names)} or (one_for_all and len(values) == 1):
        return None
    given = f"a single one of the {what} was" if len(values) == 1 else f"{len(values)} {what} were"
    tasks = f"{len(names)} tasks ({', '.join(names)})" if len(names) > 1 else f"the one task {names[0]}"
    return f"{given} given for {tasks}; give one for each task"
