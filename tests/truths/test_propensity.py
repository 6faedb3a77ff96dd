"""Truths of inverse propensity over a task that is observed within another (SPEC-METHODS 2.5)."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import logit_step
from small_splits import small_schema
from torch import Tensor

from mtlbench import Weigher
from mtlbench.api import Backbone, Setting, Step, Task, UsageError
from mtlbench.api.masks import weighted_mean
from mtlbench_plugins.weightings.propensity import Propensity

CLICKED = (Task("click"), Task("ctcvr", after="click"), Task("conversion", after="click", within=True))
NO_CLIP = 1e9


def started(tasks: tuple[Task, ...] = CLICKED, clip: float = NO_CLIP) -> Propensity:
    method = Propensity(Propensity.Params(clip=clip))
    method.setup(Setting(tasks))
    return method


def step_of(logits: list[list[float]], labels: list[list[float]]) -> Step:
    """Labels that are NaN were not observed."""
    given = torch.tensor(labels, dtype=torch.float32)
    mask = ~given.isnan()
    step = logit_step(torch.tensor(logits, dtype=torch.float32), given.nan_to_num())
    return replace(step, labels=given, losses=torch.where(mask, step.losses, 0.0), mask=mask)


NAN = torch.nan
ORACLE = step_of([[0, 9, -1], [-1, 9, 0.2], [0.5, 9, 0.4]], [[1, 1, 1], [0, 0, NAN], [1, 0, 0]])


def risk_of(step: Step, weights: Tensor, task: int) -> float:
    """The task's part of what a training step descends."""
    losses = torch.zeros_like(step.losses)
    losses[:, task] = step.losses[:, task]
    total = weighted_mean(losses, weights, step.mask, step.sample_weights)
    return float(len(step.losses[0]) * total)


def test_the_oracle():
    weights = started().weigh(ORACLE)
    assert risk_of(ORACLE, weights, 2) == pytest.approx(1.3644367902674126, rel=1e-6)
    assert torch.equal(weights[:, :2], torch.ones(3, 2))
    assert weights[1, 2] == 1  # not observed


@given(logit=st.floats(-2, 2), error=st.floats(0, 5), clicked=st.floats(0.05, 0.95))
@settings(max_examples=20)
def test_its_mean_over_clicks_is_the_error_of_all_rows_if_the_probability_is_right(
    logit: float, error: float, clicked: float
):
    rows = 10
    for probability in (clicked, float(torch.tensor(logit).sigmoid())):
        expected = 0.0
        for clicks in range(1, rows + 1):
            labels = torch.full((rows, 3), NAN)
            labels[:, :2], labels[:clicks, 2] = 0, 0
            step = logit_step(torch.full((rows, 3), logit), labels.nan_to_num())
            losses = torch.zeros(rows, 3, dtype=torch.float64)
            losses[:clicks, 2] = error
            step = replace(step, logits=torch.full((rows, 3), logit).double(), losses=losses, mask=~labels.isnan())
            binomial = torch.distributions.Binomial(rows, torch.tensor(probability).double())
            share = binomial.log_prob(torch.tensor(clicks).double()).exp()
            expected += float(share) * risk_of(step, started().weigh(step), 2)
        predicted = float(torch.tensor(logit).double().sigmoid())
        assert expected == pytest.approx(error * probability / predicted, rel=1e-5, abs=1e-9)


def test_a_rows_weight_is_bounded_by_the_clip():
    step = step_of([[-20, 0, 0], [0, 0, 0]], [[1, 0, 0], [1, 0, 0]])
    assert started(clip=15).weigh(step)[:, 2].tolist() == pytest.approx([15, 2])


def test_probabilities_along_a_chain_are_multiplied():
    tasks = (Task("open"), Task("click", after="open", within=True), Task("buy", after="click", within=True))
    step = step_of([[0, -1, 0], [1, 2, 0], [0, 0, 0]], [[1, 1, 0], [1, 1, 1], [0, NAN, NAN]])
    opened, clicked = step.logits[:2, :2].sigmoid().unbind(1)
    weights = started(tasks).weigh(step)
    torch.testing.assert_close(weights[:2, 1], 2 / 3 / opened)
    torch.testing.assert_close(weights[:2, 2], 2 / 3 / (opened * clicked))


def test_a_row_of_a_larger_sample_weight_is_that_many_rows():
    weighted = replace(ORACLE, sample_weights=torch.tensor([3.0, 1.0, 2.0]))
    order = torch.tensor([0, 0, 0, 1, 2, 2])
    parts = {name: getattr(ORACLE, name)[order] for name in ("rows", "labels", "logits", "losses", "mask")}
    repeated = replace(ORACLE, **parts)
    one, other = started().weigh(weighted), started().weigh(repeated)
    torch.testing.assert_close(one[order], other)
    assert risk_of(weighted, one, 2) == pytest.approx(risk_of(repeated, other, 2), rel=1e-6)


def test_a_batch_without_the_task_or_without_any_label_has_finite_weights():
    for labels in ([[0, 0, NAN], [0, 0, NAN]], [[NAN] * 3] * 2, [[NAN, NAN, 1.0], [NAN] * 3]):
        weights = started().weigh(step_of([[0.0, 0, 0], [1, 0, 0]], labels))
        assert weights.isfinite().all()
    assert torch.equal(started().weigh(step_of([[0.0] * 3], [[0, 0, NAN]])), torch.ones(1, 3))


def test_the_weights_have_no_gradient():
    logits = torch.randn(4, 3, requires_grad=True)
    assert not started().weigh(logit_step(logits, torch.ones(4, 3))).requires_grad


def test_a_dataset_without_such_a_task_is_refused():
    method = started()
    assert method.applicable(replace(small_schema(), tasks=CLICKED), Backbone) is None
    reason = method.applicable(small_schema(), Backbone)
    assert reason is not None
    assert "observed only where another one happened" in reason
    with pytest.raises(UsageError, match=r"which task is observed within which; train with mtlbench\.run"):
        Weigher("propensity", 3)
