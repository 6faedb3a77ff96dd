"""Truths of AdaTT (SPEC-METHODS 2.3)."""

import pytest
import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs

from mtlbench_plugins.backbones.adatt import AdaTT
from mtlbench_plugins.backbones.mmoe import MMoE


def test_without_residual_shared_experts_and_a_second_level_it_is_mmoe():
    schema = small_schema(TASKS)
    adatt = build(AdaTT, schema, bottom=(8,), specific=2, shared=0).eval()
    mmoe = build(MMoE, schema, seed=1, bottom=(8,), experts=6).eval()
    (level,) = adatt.levels
    mmoe.embedding.load_state_dict(adatt.embedding.state_dict())
    mmoe.gates.load_state_dict(level.gates.state_dict())
    mmoe.towers.load_state_dict(adatt.towers.state_dict())
    for expert, own in zip(mmoe.experts, (expert for unit in level.units for expert in unit), strict=True):
        expert.load_state_dict(own.state_dict())
    assert not torch.allclose(adatt(inputs(schema)), mmoe(inputs(schema)))
    with torch.no_grad():
        for residual in level.residuals:
            residual.zero_()
    torch.testing.assert_close(adatt(inputs(schema)), mmoe(inputs(schema)))


def test_a_fixed_residual_adds_the_expert_once():
    schema = small_schema(TASKS)
    (level,) = build(AdaTT, schema, bottom=(8,), specific=1, shared=0).eval().levels
    state = torch.randn(20, level.units[0][0][0][0].in_features)
    outputs = [unit[0](state) for unit in level.units]
    for fused, gate, own in zip(level([state] * 3), level.gates, outputs, strict=True):
        shares = gate(state)
        mixture = sum(shares[:, e : e + 1] * output for e, output in enumerate(outputs))
        torch.testing.assert_close(fused, own + mixture)


def test_one_task_with_one_expert_is_twice_the_expert():
    schema = small_schema(("click",))
    adatt = build(AdaTT, schema, bottom=(8,), specific=1, shared=0).eval()
    (level,) = adatt.levels
    embedded = adatt.embedding(inputs(schema))
    torch.testing.assert_close(level([embedded]), [2 * level.units[0][0](embedded)])


def test_the_residual_adds_a_units_own_experts_by_its_learnt_numbers():
    adatt = build(AdaTT, bottom=(8,), specific=2, shared=3).eval()
    (level,) = adatt.levels
    embedded = adatt.embedding(inputs())
    states = [embedded] * 3
    with_residual = level(states)
    own = [[expert(embedded) for expert in unit] for unit in level.units]
    added = [sum(v * output for v, output in zip(level.residuals[k], own[k], strict=True)) for k in (0, 1)]
    with torch.no_grad():
        for residual in level.residuals:
            residual.zero_()
    for one, without, expected in zip(with_residual, level(states), added, strict=True):
        torch.testing.assert_close(one - without, expected)


@pytest.mark.parametrize(("specific", "shared", "seen"), [(1, 0, 2), (1, 1, 3), (2, 0, 4), (2, 2, 6), (1, 2, 4)])
def test_all_gates_sum_to_one_over_all_experts_and_every_parameter_learns(specific: int, shared: int, seen: int):
    adatt = build(AdaTT, bottom=(32, 24), tower=(24,), dropout=0.0, specific=specific, shared=shared)
    shares = []
    for level in adatt.levels:
        for gate in level.gates:
            gate.register_forward_hook(lambda module, given, output: shares.append(output))
    adatt(inputs()).square().sum().backward()
    for one in shares:
        assert one.shape == (40, seen)
        torch.testing.assert_close(one.sum(1), torch.ones(40))
    assert [name for name, value in adatt.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_shared_units_have_an_output_on_all_levels_but_the_last():
    adatt = build(AdaTT, bottom=(12, 10, 8), specific=2, shared=3)
    assert [len(level.gates) for level in adatt.levels] == [3, 3, 2]
    assert [len(unit) for unit in adatt.levels[-1].units] == [2, 2, 3]
    plain = build(AdaTT, bottom=(12, 10, 8), shared=0)
    assert [len(level.gates) for level in plain.levels] == [2, 2, 2]


def test_residuals_are_fixed_only_where_every_unit_has_one_expert():
    assert build(AdaTT, specific=1, shared=0).levels[0].residuals is None
    assert build(AdaTT, specific=1, shared=1).levels[0].residuals is None
    mixed = build(AdaTT, specific=1, shared=4, bottom=(12, 8)).levels[0].residuals
    assert [len(residual) for residual in mixed] == [1, 1, 4]
    assert all(residual.abs().max() <= len(residual) ** -0.5 for residual in mixed)
