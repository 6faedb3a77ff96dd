"""The learning rate's way through a stage."""

import math

from mtlbench.cells import Training

PARTS = 100
"""Rates of a stage. Before each change all rows of large tables catch up, which so few changes keep cheap."""


class Schedule:
    r"""The learning rate in each of ``PARTS`` equal parts of the most steps that a stage may take.

    With :math:`\eta` the learning rate and p = 0, 0.01, ..., 0.99 the share of the stage before a part:

    .. math:: \mathrm{constant}: \eta, \qquad \mathrm{linear}: \eta (1 - p), \qquad
              \mathrm{cosine}: \eta \, (1 + \cos \pi p) / 2

    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    https://arxiv.org/abs/1608.03983, without restarts. There the rate changes in each step. Here it is constant within
    a part, so that :mod:`mtlbench.training.embeddings.catch_up` is exact. The most steps are those of ``epochs``
    epochs, whether or not the stage ends early. A stage that goes on beyond them keeps the rate of the last part.

    Args:
        training: the schedule, the learning rate and the most epochs of a stage.
    """

    def __init__(self, training: Training) -> None:
        self._kind = training.schedule
        self._highest = training.learning_rate
        self._epochs = training.epochs

    def rate(self, taken: int, per_epoch: int) -> float:
        """The rate of the step after ``taken`` steps of a stage of ``per_epoch`` steps an epoch."""
        if self._kind == "constant":
            return self._highest
        share = min(taken * PARTS // (self._epochs * per_epoch), PARTS - 1) / PARTS
        return self._highest * (1 - share if self._kind == "linear" else (1 + math.cos(math.pi * share)) / 2)
