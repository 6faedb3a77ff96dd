"""The training core: the only train loop, the optimiser of a backbone, early stopping, and the budget used."""

from mtlbench.training.trainer import BackboneTrainer

__all__ = ["BackboneTrainer"]
