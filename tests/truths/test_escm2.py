"""Truths of ESCM2 (SPEC-METHODS 2.5)."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_splits import small_schema, small_splits
from tiny_backbones import TASKS, build, inputs, step_of
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.api import Backbone, NoParams, Splits, Step, Weighting, ones
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive
from mtlbench.training.update import LossBackward
from mtlbench_plugins.backbones.escm2 import ESCM2, risk
from mtlbench_plugins.backbones.esmm import ESMM
from mtlbench_plugins.weightings.pcgrad import PCGrad

ORACLE = {"ips": 1.3644367902674126, "dr": 1.3906680796199036 + 0.9567146073409383}
BATCH = 16


class Gives(nn.Module):
    """A network whose output is known."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values).unsqueeze(1))

    def forward(self, features: Tensor) -> Tensor:
        return self.values


def known(estimator: str, **params: object) -> ESCM2:
    """With the logits and delta^ of the oracle."""
    backbone = build(ESCM2, estimator=estimator, **{"lambda": 1.0, "clip": 1e9, **params})
    backbone.branches = nn.ModuleList([Gives(0.0, -1.0, 0.5), Gives(-1.0, 0.2, 0.4)])
    if estimator == "dr":
        backbone.imputation = Gives(*(math.log(math.expm1(value)) for value in (0.3, 0.5, 0.2)))
    return backbone


LABELS = torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_the_penalty_is_half_the_risk_of_the_oracle(estimator: str):
    backbone = known(estimator)
    logits = backbone(inputs(rows=3))
    penalty = backbone.penalty(step_of(logits, LABELS))
    assert penalty.item() == pytest.approx(ORACLE[estimator] / 2, rel=1e-6)
    backbone = known(estimator, **{"lambda": 0.25})
    penalty = backbone.penalty(step_of(backbone(inputs(rows=3)), LABELS))
    assert penalty.item() == pytest.approx(0.25 * ORACLE[estimator] / 2, rel=1e-6)


@given(
    propensity=st.floats(0.05, 0.95),
    error=st.floats(0, 5),
    imputed=st.floats(0, 5),
    wrong=st.floats(0.05, 0.95),
)
def test_the_expected_risk_over_clicks_is_the_error(propensity: float, error: float, imputed: float, wrong: float):
    def expected(guess: float, of_imputed: float | None) -> float:
        """The mean over o of one row's risk, its imputation loss left out."""
        total = 0.0
        for click, share in ((1.0, propensity), (0.0, 1 - propensity)):
            delta, weight = torch.tensor([error]).double(), torch.tensor([click / guess]).double()
            if of_imputed is None:
                total += share * risk(delta, weight).item()
            else:
                guessed = torch.tensor([of_imputed]).double()
                total += share * (risk(delta, weight, guessed) - weight * (delta - guessed).square()).item()
        return total

    error = torch.tensor(error).item()
    assert expected(propensity, None) == pytest.approx(error, rel=1e-5, abs=1e-6)
    assert expected(propensity, imputed) == pytest.approx(error, rel=1e-5, abs=1e-5)  # o^ is right
    assert expected(wrong, error) == pytest.approx(error, rel=1e-5, abs=1e-5)  # delta^ is right


def test_doubly_robust_with_nothing_imputed_and_no_imputation_loss_is_inverse_propensity():
    error, weights = torch.rand(20), torch.rand(20) * 3
    without = risk(error, weights, torch.zeros(20)) - weights * error.square()
    torch.testing.assert_close(without, risk(error, weights))


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_with_lambda_zero_it_is_esmm_bit_for_bit(estimator: str):
    plain = build(ESMM, dropout=0.3)
    backbone = build(ESCM2, dropout=0.3, estimator=estimator, **{"lambda": 0.0})
    assert backbone.state_dict().keys() == plain.state_dict().keys()
    outputs = []
    for network in (plain, backbone):
        torch.manual_seed(5)
        outputs.append(network(inputs()))
    assert torch.equal(*outputs)
    assert backbone.penalty(step_of(outputs[1])) is None


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_a_batch_without_clicks_has_no_risk_but_what_is_imputed(estimator: str):
    backbone = known(estimator)
    penalty = backbone.penalty(step_of(backbone(inputs(rows=3)), torch.zeros(3, 2)))
    assert penalty.item() == pytest.approx({"ips": 0.0, "dr": (0.3 + 0.5 + 0.2) / 3 / 2}[estimator], abs=1e-7)


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_the_risk_has_no_gradient_in_the_click_tower_and_one_in_all_else(estimator: str):
    backbone = build(ESCM2, estimator=estimator, dropout=0.0, bottom=(32, 24), tower=(24,))
    logits = backbone(inputs())
    backbone.penalty(step_of(logits, torch.ones(40, 2))).backward()
    reached = {name for name, value in backbone.named_parameters() if value.grad is not None and value.grad.any()}
    assert reached == {name for name, _ in backbone.named_parameters() if not name.startswith("branches.0.")}


def test_a_rows_weight_is_bounded_by_the_clip():
    backbone = build(ESCM2, clip=15, **{"lambda": 1.0})
    backbone.branches = nn.ModuleList([Gives(-8.0, 3.0), Gives(0.5, 0.5)])
    labels = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    penalty = backbone.penalty(step_of(backbone(inputs(rows=2)), labels))
    error = F.softplus(torch.tensor(-0.5)).item()
    assert penalty.item() == pytest.approx(15 * error / 2 / 2)


def test_conversions_are_never_more_likely_than_clicks():
    logits = build(ESCM2)(inputs())
    assert (logits[:, 1] <= logits[:, 0]).all()


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_rows_with_a_label_that_was_not_observed_do_not_count(estimator: str):
    backbone = known(estimator)
    expected = 2 * backbone.penalty(step_of(backbone(inputs(rows=3)), LABELS)).item() * 3
    first = known(estimator)
    first.branches, last = nn.ModuleList([Gives(0.0, -1.0), Gives(-1.0, 0.2)]), LABELS[:2]
    if estimator == "dr":
        first.imputation.values.data = first.imputation.values.data[:2]
    kept = 2 * first.penalty(step_of(first(inputs(rows=2)), last)).item() * 2
    assert kept != pytest.approx(expected)
    for unobserved in ([True, False], [False, True], [False, False]):
        mask = torch.tensor([[True, True], [True, True], unobserved])
        labels = torch.where(mask, LABELS, torch.nan)
        step = step_of(backbone(inputs(rows=3)), torch.nan_to_num(labels))
        penalty = backbone.penalty(replace(step, labels=labels, mask=mask))
        assert 2 * penalty.item() * 2 == pytest.approx(kept, rel=1e-6)


def test_rows_count_by_their_sample_weights():
    backbone = known("dr")
    weighted = step_of(backbone(inputs(rows=3)), LABELS, sample_weights=torch.tensor([2.0, 1.0, 0.0]))
    found = backbone.penalty(weighted).item()
    repeated = build(ESCM2, estimator="dr", **{"lambda": 1.0, "clip": 1e9})
    rows = [0, 0, 1]
    repeated.branches = nn.ModuleList(Gives(*branch.values[rows, 0].tolist()) for branch in backbone.branches)
    repeated.imputation = Gives(*backbone.imputation.values[rows, 0].tolist())
    assert found == pytest.approx(repeated.penalty(step_of(repeated(inputs(rows=3)), LABELS[rows])).item(), rel=1e-6)


class Plain(Weighting):
    """Weights of one."""

    name, label = "plain", "Plain"

    def weigh(self, step: Step) -> Tensor:
        return ones(step)


def plain_loss(backbone: Backbone, splits: Splits, rows: Tensor, estimator: str) -> Tensor:
    """The textbook loss, from probabilities."""
    labels = splits.train.labels[rows]
    embedded = backbone.embedding(splits.train.inputs[rows])
    ctr, cvr = (branch(embedded).squeeze(1).sigmoid() for branch in backbone.branches)
    both = F.binary_cross_entropy(ctr, labels[:, 0]) + F.binary_cross_entropy(ctr * cvr, labels[:, 1])
    delta = F.binary_cross_entropy(cvr, labels[:, 1], reduction="none")
    share = labels[:, 0] * (1 / ctr.detach()).clamp(max=15)
    if estimator == "ips":
        extra = (share * delta).mean()
    else:
        guessed = F.softplus(backbone.imputation(embedded)).squeeze(1)
        extra = (guessed + share * (delta - guessed)).mean() + (share * (delta - guessed) ** 2).mean()
    return (both + 0.5 * extra) / 2


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_fifty_steps_are_those_of_a_plain_loop_with_the_risk_in_the_loss(estimator: str):
    splits = small_splits()
    backbone = build(ESCM2, splits.schema, estimator=estimator, dropout=0.0, **{"lambda": 0.5})
    plain = copy.deepcopy(backbone)
    model = Model(backbone, splits, Training(batch_size=BATCH))
    backward = LossBackward(Plain(NoParams()), model)
    adam = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for number in range(50):
        rows = torch.randperm(240, generator=torch.Generator().manual_seed(derive(0, number)))[:BATCH]
        backward(model.step(rows))
        adam.zero_grad()
        plain_loss(plain, splits, rows, estimator).backward()
        adam.step()
    for fast, slow in zip(backbone.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4)


def test_the_imputation_learns_under_a_weighting_of_gradients():
    splits = small_splits()
    backbone = build(ESCM2, splits.schema, estimator="dr")
    before = copy.deepcopy(backbone.imputation.state_dict())
    BackboneTrainer(backbone, splits, Training(batch_size=60, epochs=1), 0).train(PCGrad(PCGrad.Params()))
    after = backbone.imputation.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    assert not any(torch.equal(value, before[name]) for name, value in after.items())


def test_it_needs_a_funnel_of_two():
    assert ESCM2.applicable(small_schema()) is None
    assert ESCM2.applicable(small_schema(TASKS)).endswith("the dataset has 3")
    assert ESCM2.applicable(small_schema(("click",))).endswith("the dataset has one")
    assert "parallel" in ESCM2.applicable(small_schema(parallel=True))
