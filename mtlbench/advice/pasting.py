"""The lines of Python that put the answer into a training loop."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.api import Task, Weighting
from mtlbench.config.parameters import public_fields, spec_text
from mtlbench.config.presets import PresetName
from mtlbench.config.specs import resolve
from mtlbench.discovery import Catalogue
from mtlbench.records import Record

LEARNING_RATE = "learning_rate"
PLAIN = "loss = sum(task_losses) / len(task_losses)  # the mean of the task losses: plain constant weights"


def constant_weights(record: Record) -> list[float] | None:
    """The weights of the tasks, where the training of ``record`` never changed them."""
    if not record.curve or not record.curve[-1].weights:
        return None
    weights = record.curve[-1].weights
    found = []
    for task in record.dataset.tasks:
        low, high = weights.get(task, {}).get("min"), weights.get(task, {}).get("max")
        if low is None or high is None or low != high:
            return None
        found.append(low)
    return found


def lines_for(
    catalogue: Catalogue,
    name: str,
    params: Mapping[str, Any],
    tasks: Sequence[Task],
    learning_rate: float,
    weights: Sequence[float] | None,
    preset: PresetName,
) -> str:
    """Python that weighs the losses of ``tasks`` as the weighting did.

    Args:
        catalogue: of the plugins.
        name: of the weighting.
        params: its parameters that are not the defaults.
        tasks: of the log, in their order.
        learning_rate: of the network.
        weights: where they never changed.
        preset: of the study.
    """
    if weights is not None and len(set(weights)) == 1:
        return PLAIN
    if weights is not None:
        terms = " + ".join(f"{weight:.4g} * task_losses[{k}]" for k, weight in enumerate(weights))
        return f"loss = ({terms}) / {len(weights)}  # in the order {', '.join(task.name for task in tasks)}"
    resolved = resolve(catalogue, "weighting", name, params, preset)
    method: Weighting = resolved.create()
    if why := method.needs_harness():
        return f"# {method.label} weighs in no loop of one's own: {why}"
    kinds = [task.kind for task in tasks]
    own_rate = LEARNING_RATE in public_fields(type(method).Params)
    rate = "" if own_rate else f", learning_rate={learning_rate:.4g}"
    given = json.dumps(kinds[0] if len(set(kinds)) == 1 else kinds)
    spec = json.dumps(spec_text(name, params))
    names = json.dumps([task.name for task in tasks], ensure_ascii=False)
    return (
        f"weigher = mtlbench.Weigher({spec}, tasks={names}, kinds={given}{rate})\n"
        "weigher.backward(task_losses)  # in place of loss.backward(); see docs/weigher.md"
    )
