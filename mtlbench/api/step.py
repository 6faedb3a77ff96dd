"""What a weighting sees of one training step."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import NoReturn

import torch
from torch import Tensor

from mtlbench.api.inputs import Inputs
from mtlbench.api.masks import counted, masked_mean
from mtlbench.api.products import inner_products
from mtlbench.api.renamed import STEP_ATTRIBUTES, replacement
from mtlbench.errors import TrainingError

THIRDS = 3
"""Parts of a batch whose sizes differ by one row at most; the last part is empty in a batch of two rows."""

Jacobian = Mapping[str, tuple[Tensor, ...]]
"""Name of a shared parameter -> the gradient of each task with respect to it, K tensors of the parameter's shape."""


class SharedGradients:
    """The gradients of K tasks with respect to the shared parameters: those that two or more tasks reach.

    g_k is the gradient of :attr:`Step.task_losses` of task k. For an embedding table that is updated
    row by row, only the rows that the batch reads are here; the gradient of the others is zero.

    Args:
        jacobian: the gradients that are weighed: of the whole batch, or of its last third.
        samples: those of its first and of its second third, for methods that need ``cross gram``.
    """

    def __init__(self, jacobian: Jacobian, samples: tuple[Jacobian, Jacobian] | None = None) -> None:
        self.jacobian = jacobian
        self._samples = samples

    @cached_property
    def gram(self) -> Tensor:
        """(K, K) float64 inner products g_i . g_j.

        Raises:
            TrainingError: one of them is not a finite number.
        """
        return _finite(self.inner_products())

    def inner_products(self) -> Tensor:
        """(K, K) float64, summed parameter by parameter, without a flat copy of any g_k; not checked."""
        return summed(inner_products((gradients, gradients) for gradients in self.jacobian.values()))

    @cached_property
    def cross_gram(self) -> Tensor:
        """(K, K) float64 inner products of g_i of the first sample with g_j of the second.

        Raises:
            TrainingError: one of them is not a finite number, or there are no samples.
        """
        if self._samples is None:
            raise TrainingError(
                "the weighting reads the gradients of thirds of the batch, which are computed only for weightings that "
                'ask for them; declare `needs = frozenset({"cross gram"})` in its class'
            )
        one, other = self._samples
        return _finite(summed(inner_products((one[name], other[name]) for name in one)))


def summed(products: Tensor) -> Tensor:
    """(K, K) float64, the sum of ``products`` (P, K, K) over the parameters."""
    # Each by itself: the sum of a row of a matrix has another order.
    of_pairs = products.double().flatten(1).t().contiguous()
    return torch.stack([of_pair.sum() for of_pair in of_pairs]).view_as(products[0])


def _finite(gram: Tensor) -> Tensor:
    """``gram`` itself.

    Raises:
        TrainingError: a number is not finite.
    """
    if not isfinite(gram.sum().item()):  # so it is where all are, at a fifth of the cost of asking each
        raise TrainingError(
            f"training diverged: the inner products of the task gradients are {gram.tolist()}; "
            "lower --learning-rate or check the weights of the method"
        )
    return gram


@dataclass
class Step:
    """One training step as a weighting sees it: B samples, K tasks."""

    rows: Tensor
    """(B,) int64 row numbers in the training split."""
    inputs: Inputs
    """What the backbone read."""
    labels: Tensor
    """(B, K) float32, each in its task's unit, 0 or 1 of a binary task; NaN where not observed."""
    logits: Tensor
    """(B, K) logits of the backbone, within the autograd graph; values only, where task gradients were computed."""
    losses: Tensor
    """(B, K) loss of each sample and task by the task's kind, >= 0, and 0 where the label was not observed; within the
    graph as the logits are."""
    number: int
    """Steps taken before this one, in this stage."""
    shared: SharedGradients | None = None
    """For weightings that need ``gram`` or ``jacobian``."""
    mask: Tensor | None = None
    """(B, K) bool, where labels are observed; ``None`` where all labels of the training split are."""
    sample_weights: Tensor | None = None
    """(B,) float32, how much each row counts; ``None`` where the log has no weights. ``losses`` are not multiplied by
    them: :attr:`task_losses` and the trainer take all means by them."""

    @property
    def observed(self) -> Tensor:
        """(B, K) bool: which labels are observed."""
        return torch.ones_like(self.losses, dtype=torch.bool) if self.mask is None else self.mask

    @property
    def seen(self) -> Tensor:
        """(K,) bool: which tasks have an observed label in this batch.

        A weighting leaves the others out: what it keeps for them stays as it was, and the tasks that are seen get the
        weights that they would get without them.
        """
        return self.observed.any(0)

    @property
    def task_losses(self) -> Tensor:
        """(K,) mean loss of each task over its observed samples, 0 where it has none; within the graph like ``losses``.

        Weightings read it in place of ``losses.mean(0)``. The two are equal where all labels are observed and no row
        has a sample weight.
        """
        return self.task_means(self.losses)

    def task_means(self, values: Tensor) -> Tensor:
        """Means (K,) of ``values`` (B, K) over the observed samples of each task, by the sample weights.

        Formula: ``sum_i w_i m_ik v_ik / sum_i w_i m_ik``; 0 for a task without an observed label.
        """
        return masked_mean(values, self.mask, self.sample_weights)

    @property
    def counts(self) -> Tensor:
        """(B, K) how much each loss counts: its row's sample weight, 1 without, and 0 where it was not observed."""
        return counted(self.mask, self.sample_weights, self.losses)

    @property
    def gram(self) -> Tensor:
        """(K, K) float64 inner products of the task gradients (:attr:`SharedGradients.gram`).

        Raises:
            TrainingError: the weighting does not need ``gram`` or ``jacobian``.
        """
        return self._gradients().gram

    @property
    def cross_gram(self) -> Tensor:
        """(K, K) float64 inner products of the task gradients of two thirds of the batch, as of independent batches.

        Entry i, j is g_i of the first third times g_j of the second. Its expectation is that of the gradients of all
        rows, where the diagonal of :attr:`gram` is larger by the noise of the batch. The rows of a batch lie in random
        order. What is weighed are the gradients of the last third. A task without an observed label in a third has
        gradient 0 there (:attr:`seen_in_thirds`). The parameters of a single task follow the whole batch.

        Raises:
            TrainingError: the weighting does not need ``cross gram``.
        """
        return self._gradients().cross_gram

    @property
    def seen_in_thirds(self) -> Tensor:
        """(3, K) bool: which tasks have an observed label in each third of the batch."""
        return torch.stack([third.any(0) for third in self.observed.tensor_split(THIRDS)])

    @property
    def jacobian(self) -> Jacobian:
        """The task gradients themselves. They must not be changed in place.

        Raises:
            TrainingError: the weighting does not need ``gram`` or ``jacobian``.
        """
        return self._gradients().jacobian

    def __getattr__(self, name: str) -> NoReturn:
        """Name the successor of an attribute that is gone."""
        raise AttributeError(replacement("step", name, STEP_ATTRIBUTES))

    def _gradients(self) -> SharedGradients:
        if self.shared is None:
            raise TrainingError(
                "the weighting reads the gradients of the tasks, which are computed only for weightings that ask for "
                'them; declare `needs = frozenset({"gram"})` or `{"jacobian"}` in its class'
            )
        return self.shared
