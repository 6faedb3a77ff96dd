"""The training core: the only train loop, the optimisers, early stopping, and the budget used."""

from mtlbench.training.gradients import TASK_GRADIENTS, has_shared_parameters, no_shared_parameters
from mtlbench.training.representation import no_representation, why_unrepresented
from mtlbench.training.trainer import BackboneTrainer

__all__ = [
    "TASK_GRADIENTS",
    "BackboneTrainer",
    "has_shared_parameters",
    "no_representation",
    "no_shared_parameters",
    "why_unrepresented",
]
