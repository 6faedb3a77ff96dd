"""Which troubles of multi-task learning a log shows, from what was measured on it."""

from mtlbench.advice.facts import LogFacts
from mtlbench.advice.measuring import Measured
from mtlbench.api import Trouble

SCALE = 4.0
"""Times by which the largest loss of a trained network is above the smallest."""
ERRORS = 2
"""Standard errors by which the mean cosine of the gradients is below 0 where tasks conflict."""
PACE = 3
"""Epochs between the best of the first task that is done and that of the last."""
RARITY = 0.02
"""Share of the rarer label."""


def troubles(facts: LogFacts, measured: Measured) -> dict[Trouble, str]:
    """The troubles that the log shows, each with what shows it."""
    found: dict[Trouble, str] = {}
    losses = {task: loss for task, loss in measured.losses.items() if loss > 0}
    large, small = (end(losses, key=lambda task: losses[task]) for end in (max, min)) if losses else ("", "")
    if losses and losses[large] >= SCALE * losses[small]:
        found["scale"] = f"the loss of {large} is {losses[large] / losses[small]:.0f} times that of {small}"
    cosines = measured.cosines
    if cosines is not None and cosines.mean + ERRORS * cosines.error < 0:
        found["conflict"] = f"the gradients of the tasks have a mean cosine of {cosines.mean:+.2f}"
    epochs = measured.best_epochs
    if epochs and max(epochs.values()) - min(epochs.values()) >= PACE:
        first, last = (end(epochs, key=lambda task: epochs[task]) for end in (min, max))
        found["pace"] = f"{first} is best in epoch {epochs[first]} and {last} in epoch {epochs[last]}"
    rare = min(facts.tasks, key=lambda task: task.rare)
    if rare.rare < RARITY:
        found["rarity"] = f"{100 * rare.rare:.2g} % of the labels of {rare.name} are of its rarer class"
    return found
