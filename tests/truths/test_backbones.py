"""Truths of the backbones (SPEC section 6), and what all of them promise."""

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, step_of
from wide_splits import BAGS, drawn_bags, drawn_vectors

from mtlbench.api import Backbone, Field, Inputs, Schema, Task, VectorField, funnel
from mtlbench.discovery import discover
from mtlbench.nn import Experts, FieldEmbedding, Gate
from mtlbench_plugins.backbones.aitm import AITM
from mtlbench_plugins.backbones.esmm import ESMM, funnel_logits
from mtlbench_plugins.backbones.metaheac import MetaHeac
from mtlbench_plugins.backbones.mmoe import MMoE
from mtlbench_plugins.backbones.omoe import OMoE
from mtlbench_plugins.backbones.ple import PLE
from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.backbones.single_task import SingleTask

ALL = {name: entry.cls for name, entry in discover(()).backbones.items()}
FUNNEL_ONLY = ("esmm", "aitm")
APPLICABLE = {"cross-stitch": 8, "esmm": 6, "aitm": 6, "pepnet": 9, "escm2": 3, "dbmtl": 6}
"""How many of the schemas of :func:`schemas` a backbone takes, where it does not take all 12."""


def schemas(backbone: type[Backbone]) -> Iterator[Schema]:
    for tasks in (1, 2, 3):
        for changes in ({}, {"numerical": ()}, {"categorical": ()}, {"parallel": True}):
            schema = small_schema(TASKS[:tasks], **changes)
            if backbone.applicable(schema) is None:
                yield schema


def test_no_backbone_is_left_out():
    assert sorted(ALL) == [
        "adatt",
        "aitm",
        "cross-stitch",
        "dbmtl",
        "escm2",
        "esmm",
        "metaheac",
        "mmoe",
        "omoe",
        "pepnet",
        "ple",
        "shared-bottom",
        "single-task",
        "snr-trans",
        "stem",
    ]


@pytest.mark.parametrize("name", ALL)
def test_gives_one_finite_logit_per_row_and_task_for_every_applicable_schema(name: str):
    seen = 0
    for schema in schemas(ALL[name]):
        logits = build(ALL[name], schema)(inputs(schema))
        assert logits.shape == (40, len(schema.tasks))
        assert logits.isfinite().all()
        seen += 1
    assert seen == APPLICABLE.get(name, 12)


@pytest.mark.parametrize("name", ALL)
def test_one_to_six_tasks_of_all_kinds_with_bags_and_vectors_have_logits_or_a_reason(name: str):
    fields = (Field("user", 400), Field("item", 50), Field("hour", 4))
    kinds = ("binary", "real", "nonnegative")
    for number in range(1, 7):
        tasks = tuple(Task(f"task{k}", kinds[k % 3], after="task0" if k else None) for k in range(number))
        if ALL[name].task_kinds is not None:
            tasks = funnel(*(task.name for task in tasks))
        schema = small_schema(categorical=fields, bags=BAGS, vectors=(VectorField("text", 3),))
        schema = replace(schema, tasks=tasks)
        if (reason := ALL[name].applicable(schema)) is not None:
            assert reason.endswith("the dataset has one") if number == 1 else str(number) in reason
            continue
        batch = inputs(schema)
        batch = replace(batch, bags=drawn_bags(schema, 40, 1), vectors=drawn_vectors(schema, 40, 1))
        logits = build(ALL[name], schema)(batch)
        assert logits.shape == (40, number)
        assert logits.isfinite().all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_parameter_gets_a_gradient(name: str, norm: str):
    for schema in schemas(ALL[name]):
        # Wide enough that no layer is dead by the chance of its initial values.
        backbone = build(ALL[name], schema, norm=norm, dropout=0.0, bottom=(32, 24), tower=(24,))
        backbone(inputs(schema)).square().sum().backward()
        parameters = [(key, value) for key, value in backbone.named_parameters() if value.numel() > 0]
        assert [key for key, value in parameters if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("name", ALL)
def test_dropout_acts_in_training_only(name: str):
    backbone = build(ALL[name], dropout=0.5)
    batch = inputs()
    assert not torch.equal(backbone(batch), backbone(batch))
    backbone.eval()
    assert torch.equal(backbone(batch), backbone(batch))


@pytest.mark.parametrize("name", ALL)
def test_parameters_are_a_function_of_the_seed_and_survive_a_state_dict(name: str):
    first, again, other = (build(ALL[name], seed=seed).eval() for seed in (0, 0, 1))
    batch = inputs()
    assert torch.equal(first(batch), again(batch))
    assert not torch.equal(first(batch), other(batch))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(batch), other(batch))


@pytest.mark.parametrize("name", ALL)
def test_a_row_is_scored_by_itself(name: str):
    backbone = build(ALL[name]).eval()
    rows = inputs()
    together = backbone(rows)
    torch.testing.assert_close(together[7:8], backbone(rows[7:8]))


@pytest.mark.parametrize("name", FUNNEL_ONLY)
def test_funnel_backbones_refuse_parallel_tasks_and_single_tasks_with_a_reason(name: str):
    assert "parallel" in ALL[name].applicable(small_schema(parallel=True))
    assert "two or more" in ALL[name].applicable(small_schema(("click",)))
    assert ALL[name].applicable(small_schema()) is None


def test_single_task_losses_have_no_gradient_in_another_tasks_network():
    backbone = build(SingleTask)
    backbone(inputs())[:, 0].sum().backward()
    of_second = [*backbone.bottoms[1].parameters(), *backbone.towers[1].parameters()]
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in of_second)


@given(seed=st.integers(0, 1000), scale=st.sampled_from([1.0, 30.0, 1e4]))
def test_esmm_probabilities_never_rise_along_the_funnel(seed: int, scale: float):
    generator = torch.Generator().manual_seed(seed)
    logits = funnel_logits(scale * torch.randn(50, 4, generator=generator))
    assert (logits.diff(dim=1) <= 0).all()


def product_logit(conditional: list[float]) -> tuple[float, list[float]]:
    """The logit of the product of sigmoids, and its gradient, from 300 digits."""
    with localcontext(prec=300):
        shares = [1 / (1 + (-Decimal(value)).exp()) for value in conditional]
        product = math.prod(shares)
        return float((product / (1 - product)).ln()), [float((1 - share) / (1 - product)) for share in shares]


@given(st.lists(st.floats(-150, 150, width=32), min_size=1, max_size=4))
def test_esmm_logits_and_gradients_equal_those_of_the_product_in_300_digits(conditional: list[float]):
    values = torch.tensor([conditional], requires_grad=True)
    logit = funnel_logits(values)[0, -1]
    logit.backward()
    expected, gradient = product_logit(conditional)
    assert logit.item() == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert values.grad[0].tolist() == pytest.approx(gradient, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("value", [-1e4, -200.0, -80.0, 0.0, 80.0, 200.0, 1e4])
def test_esmm_logits_and_gradients_are_finite_far_out(value: float):
    conditional = torch.full((1, 3), value, requires_grad=True)
    logits = funnel_logits(conditional)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert conditional.grad.isfinite().all()


def test_esmm_first_task_is_the_plain_logit():
    conditional = torch.linspace(-50, 50, 101).unsqueeze(1).repeat(1, 2)
    assert torch.equal(funnel_logits(conditional)[:, 0], conditional[:, 0])


def test_esmm_conversion_loss_reaches_the_click_tower():
    backbone = build(ESMM)
    backbone(inputs())[:, 1].sum().backward()
    assert all(parameter.grad.any() for parameter in backbone.branches[0].parameters())


def test_mmoe_with_tied_gates_is_omoe():
    mmoe, omoe = build(MMoE).eval(), build(OMoE, seed=1).eval()
    mmoe.gates[1].load_state_dict(mmoe.gates[0].state_dict())
    omoe.load_state_dict(
        {key.replace("gates.0.", "gate."): v for key, v in mmoe.state_dict().items() if "gates.1" not in key}
    )
    assert torch.equal(mmoe(inputs()), omoe(inputs()))


@pytest.mark.parametrize("mixture", [MMoE, OMoE])
def test_one_expert_is_shared_bottom(mixture: type[Backbone]):
    experts, plain = build(mixture, experts=1).eval(), build(SharedBottom, seed=1).eval()
    plain.bottom.embedding.load_state_dict(experts.embedding.state_dict())
    plain.bottom.mlp.load_state_dict(experts.experts[0].state_dict())
    plain.towers.load_state_dict(experts.towers.state_dict())
    assert torch.equal(experts(inputs()), plain(inputs()))


@given(seed=st.integers(0, 1000), choices=st.integers(1, 9))
def test_gates_sum_to_one(seed: int, choices: int):
    torch.manual_seed(seed)
    shares = Gate(5, choices)(10 * torch.randn(20, 5))
    assert shares.shape == (20, choices)
    assert (shares >= 0).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(20))


def test_ple_evaluates_each_expert_group_once():
    backbone = build(PLE)
    calls: dict[str, int] = {}
    for key, module in backbone.named_modules():
        if isinstance(module, Experts):
            calls[key] = 0
            module.register_forward_hook(lambda *_, key=key: calls.__setitem__(key, calls[key] + 1))
    backbone(inputs())
    assert set(calls.values()) == {1}
    assert len(calls) == 2 * 3


def test_ple_has_a_level_per_bottom_width_and_no_last_shared_gate():
    backbone = build(PLE, bottom=(12, 10, 8))
    assert [level.shared_gate is None for level in backbone.levels] == [False, False, True]


def test_ple_refuses_an_odd_number_of_experts():
    with pytest.raises(ValueError, match="multiple of 2"):
        PLE.Params(experts=3)


def test_metaheac_gives_what_its_critics_agree_on_and_so_may_exceed_one_over_their_number():
    backbone = build(MetaHeac)
    with torch.no_grad():
        for critic in backbone.critics:
            critic.logit.weight.zero_()
            critic.logit.bias.fill_(3.0)
    logits = backbone(inputs())
    torch.testing.assert_close(logits, torch.full_like(logits, 3.0))
    assert logits.sigmoid().min() > 1 / len(backbone.critics)


def test_metaheac_tasks_differ_by_their_task_embedding_alone():
    backbone = build(MetaHeac).eval()
    with torch.no_grad():
        backbone.tasks.weight[1] = backbone.tasks.weight[0]
    logits = backbone(inputs())
    assert torch.equal(logits[:, 0], logits[:, 1])


def test_aitm_passes_information_forward_along_the_funnel_only():
    backbone = build(AITM, small_schema(TASKS))
    batch = inputs(small_schema(TASKS))
    backbone(batch)[:, 0].sum().backward()
    later = [*backbone.bottoms[1].parameters(), *backbone.transfers.parameters()]
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in later)
    backbone.zero_grad()
    backbone(batch)[:, 2].sum().backward()
    assert all(parameter.grad.any() for parameter in backbone.bottoms[0].parameters())


def test_aitm_calibrator_penalises_only_probabilities_that_rise():
    backbone = build(AITM, calibrator=0.6)
    falling, rising = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 2.0]])
    assert backbone.penalty(step_of(falling)).item() == 0
    expected = 0.6 * (torch.tensor(2.0).sigmoid().item() - 0.5) / 2
    assert backbone.penalty(step_of(rising)).item() == pytest.approx(expected)
    assert build(AITM).penalty(step_of(rising)) is None


def test_a_penalty_of_logits_is_refused_with_its_new_form():
    with pytest.raises(TypeError, match=r"Old\.penalty\(logits\) has a new signature: write penalty\(step\)"):

        class Old(SharedBottom):
            def penalty(self, logits):
                return None


def test_fields_have_rows_of_their_own_in_the_one_table():
    embedding = FieldEmbedding(small_schema(), 3)
    assert embedding.weight.shape == (11 + 7 + 4, 3)
    row = torch.tensor([[10, 0, 3]], dtype=torch.int32)
    embedded = embedding(Inputs(row, torch.zeros(1, 2))).view(4, 3)
    assert torch.equal(embedded[:3], embedding.weight[[10, 11, 21]])


@pytest.mark.parametrize("widths", [(8,), (8, 4)])
def test_experts_are_independent_networks(widths: tuple[int, ...]):
    experts = Experts(3, 5, widths, 0.0, "none")
    outputs = experts(torch.randn(10, 5))
    assert [output.shape for output in outputs] == [(10, widths[-1])] * 3
    outputs[1].sum().backward()
    assert all(parameter.grad.any() for parameter in experts[1].parameters())
    others = [*experts[0].parameters(), *experts[2].parameters()]
    assert all(parameter.grad is None for parameter in others)
