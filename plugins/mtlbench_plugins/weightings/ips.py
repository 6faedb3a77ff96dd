"""Inverse class frequencies: each class of a task weighs as if it were as frequent as the other."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import masked_mean, observed_in


class IPS(api.Weighting):
    r"""Each sample is weighted by the inverse share of its label's class, so that rare labels count more.

    G. King and L. Zeng, "Logistic regression in rare events data", Political Analysis 2001,
    https://gking.harvard.edu/files/0s.pdf, weight the classes so that they have the shares of another population. Here
    that population is balanced. With pi_{k,c} the share of class c among the observed training labels of task k, and a
    the ``power``:

    .. math:: w_{k,i} = \frac{\pi_{k,c}^{-a}}{\sum_{c'} \pi_{k,c'}^{1-a}}, \qquad c = y_{k,i}

    The weights of a task have mean 1 over the training split. With a = 1, the default, a weight is 1 / (2 pi), and both
    classes count the same. The power is our extension, for classes so rare that their inverse share is mostly noise.

    It reads the label of each sample. It claims that a rare class is learnt as if it were as frequent as the other. It
    equals ``constant`` with a = 0.

    The code of RMTL (https://arxiv.org/abs/2302.03328) has weights of this kind under the name IPS, from the rates of
    the batch. They are not propensities of being shown or clicked.

    The predicted probabilities become those of the reweighted population: at a = 1 their odds are too high by the
    factor (1 - pi) / pi. This shift does not change AUC. It changes logloss and calibration.
    """

    name, label = "ips", "IPS"
    repairs = frozenset({"rarity"})
    per_sample = True
    task_kinds = frozenset({"binary"})

    class Params(api.Params):
        """Parameters of ``ips``."""

        power: Annotated[float, api.search.Linear(0, 1)] = Field(
            1.0, ge=0, le=1, description="a, from 0 (constant) to 1 (balanced classes)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Count the classes of each task in the training split."""
        labels, weight = setting.train.labels, setting.train.weight
        positive = masked_mean(labels.double(), observed_in(labels), weight)
        shares = torch.stack([1 - positive, positive])
        # A class that never occurs is left out of the sum; its own weight is never used.
        total = torch.where(shares > 0, shares ** (1 - self.params.power), 0).sum(0)
        self._weights = shares.clamp(min=torch.finfo(torch.float64).tiny) ** -self.params.power / total

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), positive; ones where the label was not observed."""
        negative, positive = self._weights.to(step.losses)
        weights = torch.where(step.labels > 0.5, positive, negative)
        return weights if step.mask is None else torch.where(step.mask, weights, 1.0)
