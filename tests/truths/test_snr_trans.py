"""Truths of SNR-Trans (SPEC-METHODS 2.8)."""

import math

import pytest
import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, reached, step_of

from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.backbones.snr_trans import Route, SNRTrans


def routes(backbone: SNRTrans) -> list[Route]:
    return [module for module in backbone.modules() if isinstance(module, Route)]


def route_of(*log_a: float) -> Route:
    torch.manual_seed(0)
    route = Route(len(log_a), 3, drawn=True)
    with torch.no_grad():
        route.log_a.copy_(torch.tensor(log_a))
    return route


def test_gates_lie_in_the_unit_interval_and_reach_both_ends():
    route = route_of(*torch.linspace(-6, 6, 500).tolist())
    drawn = route.gates()
    assert drawn.min() == 0
    assert drawn.max() == 1
    assert 0.1 < ((drawn > 0) & (drawn < 1)).float().mean() < 0.9
    fixed = route.eval().gates()
    assert torch.equal(fixed, route.gates())
    torch.testing.assert_close(fixed, (route.log_a.sigmoid() * 1.2 - 0.1).clamp(0, 1))


def test_gates_that_are_not_drawn_are_those_of_evaluation():
    backbone = build(SNRTrans, dropout=0.0, drawn=False)
    trained = backbone(inputs())
    assert torch.equal(trained, backbone.eval()(inputs()))
    noisy = build(SNRTrans, dropout=0.0, drawn=True)
    assert not torch.equal(noisy(inputs()), trained)
    assert torch.equal(noisy.eval()(inputs()), trained)


def test_paths_are_nearly_all_open_at_first():
    route = Route(1, 3, drawn=True)
    assert route.eval().gates().item() == pytest.approx(1.2 / (1 + math.exp(-2)) - 0.1)
    assert 0.02 < 1 - route.open().item() < 0.03


def test_gates_are_drawn_in_training_by_torchs_generator():
    route = route_of(0.0, 0.0, 0.0)
    torch.manual_seed(3)
    first, second = route.gates(), route.gates()
    torch.manual_seed(3)
    assert torch.equal(first, route.gates())
    assert not torch.equal(first, second)


@pytest.mark.parametrize("training", [True, False])
def test_a_path_far_up_is_open_and_one_far_down_is_off_and_learns_nothing(training: bool):
    route = route_of(math.inf, -math.inf, 1e4, -1e4).train(training)
    assert route.gates().tolist() == [1, 0, 1, 0]
    route = route_of(40.0, -40.0).train(training)
    states = torch.randn(20, 6, requires_grad=True)
    output = route(states)
    torch.testing.assert_close(output, states[:, :3] @ route.transformations[0].t())
    output.square().sum().backward()
    assert route.transformations.grad[0].any()
    assert not route.transformations.grad[1].any()
    assert states.grad[:, :3].any()
    assert not states.grad[:, 3:].any()


def test_a_route_is_the_sum_of_gated_transformations():
    route = route_of(0.5, -0.5, 1.0).eval()
    states = torch.randn(20, 3, 3)
    expected = sum(
        gate * states[:, j] @ matrix.t()
        for j, (gate, matrix) in enumerate(zip(route.gates(), route.transformations, strict=True))
    )
    torch.testing.assert_close(route(states.flatten(1)), expected)


def test_the_expected_number_of_open_paths_is_that_of_many_draws():
    route = route_of(*torch.linspace(-3, 2, 8).tolist())
    draws = torch.stack([(route.gates() > 0).float() for _ in range(4000)]).sum(1)
    assert route.open().item() == pytest.approx(draws.mean().item(), abs=4 * draws.std().item() / 4000**0.5)


def test_one_sub_network_with_open_paths_and_no_transformation_is_shared_bottom():
    schema = small_schema(TASKS)
    backbone, plain = build(SNRTrans, schema, subnetworks=1).eval(), build(SharedBottom, schema, seed=1).eval()
    with torch.no_grad():
        for route in routes(backbone):
            route.log_a.fill_(40.0)
            route.transformations.copy_(torch.eye(route.transformations.shape[1]))
    plain.bottom.embedding.load_state_dict(backbone.embedding.state_dict())
    plain.bottom.mlp[0].load_state_dict(backbone.first[0].state_dict())
    plain.bottom.mlp[1].load_state_dict(backbone.levels[0].subnetworks[0].state_dict())
    plain.towers.load_state_dict(backbone.towers.state_dict())
    torch.testing.assert_close(backbone(inputs(schema)), plain(inputs(schema)))


def test_each_level_has_routes_from_all_of_the_level_before():
    backbone = build(SNRTrans, small_schema(TASKS), bottom=(12, 10, 8), subnetworks=2)
    assert [tuple(route.transformations.shape) for route in routes(backbone)] == [
        *[(2, 12, 12)] * 2,
        *[(2, 10, 10)] * 2,
        *[(2, 8, 8)] * 3,
    ]


def test_what_leads_to_a_tower_is_of_its_task_and_all_below_is_shared():
    backbone = build(SNRTrans, dropout=0.0, bottom=(32, 24), tower=(24,)).eval()
    below = {name for name, _ in backbone.named_parameters() if name.split(".")[0] in {"embedding", "first", "levels"}}
    assert reached(backbone, 0) & reached(backbone, 1) == below


def test_the_penalty_is_lambda_times_the_expected_number_of_open_paths_over_the_tasks():
    backbone = build(SNRTrans, subnetworks=3, **{"lambda": 0.2})
    step = step_of(backbone(inputs()))
    chance = 1 / (1 + math.exp(2 / 3 * math.log(0.1 / 1.1) - 2))
    paths = 3 * 3 + 3 * 2
    assert backbone.penalty(step).item() == pytest.approx(0.2 * paths * chance / 2, rel=1e-6)
    backbone.penalty(step).backward()
    assert all((route.log_a.grad > 0).all() for route in routes(backbone))
    assert build(SNRTrans).penalty(step) is None
