"""Binary tasks: the bits that the harness has always computed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mtlbench.tasks.binary import Binary
from mtlbench.tasks.kind import Scaling

KIND = Binary()


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 300), tasks=st.integers(1, 4))
def test_losses_and_gradients_are_cross_entropy_bit_for_bit(seed: int, rows: int, tasks: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = (5 * torch.randn(rows, tasks, generator=generator)).requires_grad_()
    labels = (torch.rand(rows, tasks, generator=generator) < 0.3).float()
    ours = KIND.losses(logits, KIND.targets(labels, Scaling(mean=0.3)))
    theirs = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    assert ours.equal(theirs)
    of_ours, of_theirs = (torch.autograd.grad(loss.mean(), logits)[0] for loss in (ours, theirs))
    assert of_ours.equal(of_theirs)


def test_targets_are_the_labels_themselves():
    labels = torch.tensor([0.0, 1.0])
    assert KIND.targets(labels, Scaling(mean=0.5)) is labels


def test_predictions_are_probabilities():
    logits = torch.tensor([-2.0, 0.0, 3.0])
    assert KIND.predictions(logits, Scaling(mean=0.5)).equal(logits.double().sigmoid())


def test_certain_probabilities_have_finite_logits():
    logits = KIND.logits(torch.tensor([0.0, 1.0]), Scaling(mean=0.5))
    assert bool(logits.isfinite().all())
    assert KIND.predictions(logits, Scaling(mean=0.5)).tolist() == pytest.approx([0, 1], abs=2.3e-16)
