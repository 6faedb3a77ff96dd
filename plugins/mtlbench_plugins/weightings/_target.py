"""The target task, which the other tasks are to help: a parameter ``target``, its name, or empty for the last task."""

from collections.abc import Sequence

from mtlbench import api


def foreign_target(target: str, schema: api.Schema) -> str | None:
    """Why the target cannot be found, if one is named that is not a task of the dataset."""
    if target in {"", *schema.task_names}:
        return None
    known = api.did_you_mean(target, list(schema.task_names))
    return f"the target task {target!r} is not among those of the dataset: {known}"


def place_of(target: str, tasks: Sequence[api.Task]) -> int:
    """The place of the target among ``tasks``."""
    names = [task.name for task in tasks]
    return names.index(target or names[-1])
