"""Inverse class propensities: each class of a task weighs as if it were as frequent as the other."""

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api


class IPS(api.Weighting):
    r"""Each sample is weighted by the inverse base rate of its label's class.

    G. King and L. Zeng, "Logistic regression in rare events data", Political Analysis 2001,
    https://gking.harvard.edu/files/0s.pdf, weight the classes so that they have the shares of another
    population; here that population is balanced. With pi_{k,c} the share of class c among the training labels of task
    k, and a the ``power``:

    .. math:: w_{k,i} = \frac{\pi_{k,c}^{-a}}{\sum_{c'} \pi_{k,c'}^{1-a}}, \qquad c = y_{k,i}

    so that the weights of a task have mean 1 over the training split. a = 1, the default, is 1 / (2 pi): both classes
    count the same. a = 0 is ``constant``; the power is our extension, for classes so rare that their inverse base
    rate is nothing but noise. The code of RMTL (https://arxiv.org/abs/2302.03328) has weights of this kind, from the
    rates of the batch, under the name IPS; they are not the propensities of being shown or clicked.

    The predicted probabilities become those of the reweighted population: at a = 1 their odds are too high by
    (1 - pi) / pi. AUC is not affected by that shift; logloss and calibration are.
    """

    name, label = "ips", "IPS"

    class Params(api.Params):
        """Parameters of ``ips``."""

        power: float = Field(1.0, ge=0, le=1, description="a, from 0 (constant) to 1 (balanced classes)")

    params: Params

    def setup(self, trainer: api.Trainer) -> None:
        """Count the classes of each task in the training split."""
        positive = trainer.data.labels.double().mean(0)
        shares = torch.stack([1 - positive, positive])
        # A class that never occurs is left out of the sum; its own weight is never used.
        total = torch.where(shares > 0, shares ** (1 - self.params.power), 0).sum(0)
        self._weights = shares.clamp(min=torch.finfo(torch.float64).tiny) ** -self.params.power / total

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), positive."""
        negative, positive = self._weights.to(step.losses)
        return torch.where(step.labels > 0.5, positive, negative)
