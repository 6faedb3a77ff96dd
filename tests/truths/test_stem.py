"""Truths of STEM (SPEC-METHODS 2.1)."""

import pytest
import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, reached

from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.backbones.single_task import SingleTask
from mtlbench_plugins.backbones.stem import STEM, SumGate


def choose(backbone: STEM, task: int, expert: int) -> None:
    """Make the gate of ``task`` one-hot on the ``expert``-th of all."""
    last = backbone.gates[task][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-1e4)
        last.bias[expert] = 1e4


@pytest.mark.parametrize("specific", [1, 2])
def test_a_task_has_a_gradient_in_its_own_parameters_and_the_shared_ones_alone(specific: int):
    stem = build(STEM, dropout=0.0, bottom=(32, 24), tower=(24,), specific=specific, shared=2)
    for task in (0, 1):
        found = reached(stem, task)
        own = tuple(f"{part}.{task}." for part in ("own", "gates", "towers"))
        expected = {name for name, _ in stem.named_parameters() if name.startswith((*own, "shared."))}
        assert found == expected


def test_a_task_depends_on_the_embeddings_of_the_others_all_the_same():
    stem = build(STEM).eval()
    before = stem(inputs())
    with torch.no_grad():
        stem.own[1].embedding.weight.mul_(50)
    after = stem(inputs())
    assert not torch.allclose(before[:, 0], after[:, 0], atol=1e-5)


def test_the_parameters_of_two_tasks_are_the_shared_embedding_and_the_shared_experts():
    stem = build(STEM, dropout=0.0, bottom=(32, 24), tower=(24,))
    shared = reached(stem, 0) & reached(stem, 1)
    assert {name.split(".")[0] for name in shared} == {"shared"}


def test_the_output_of_another_tasks_experts_has_no_gradient():
    stem = build(STEM, dropout=0.0)
    outputs = []

    def keep(module, given, output):
        for one in output:
            one.retain_grad()
        outputs.append(output)

    for branch in (*stem.own, stem.shared):
        branch.experts.register_forward_hook(keep)
    stem(inputs())[:, 0].sum().backward()
    shared, own, others = outputs
    assert all(one.grad is not None and one.grad.any() for one in (*own, *shared))
    assert not any(one.grad.any() for one in others if one.grad is not None)


def test_gates_sum_to_one_and_read_the_sum_of_both_embeddings():
    schema = small_schema(TASKS)
    stem = build(STEM, schema, specific=2, shared=3, tower=(5, 4)).eval()
    own, shared = stem.own[1].embedding(inputs(schema)), stem.shared.embedding(inputs(schema))
    shares = stem.gates[1](own, shared)
    assert shares.shape == (40, 3 * 2 + 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(40))
    state = own + shared
    for layer in stem.gates[1]:
        state = layer(state)
    torch.testing.assert_close(shares, state.softmax(1))


def test_a_gate_without_hidden_layers_is_one_linear_layer():
    gate = SumGate(6, (), 4, 0.0, "none")
    one, other = torch.randn(2, 10, 6)
    torch.testing.assert_close(gate(one, other), gate[0](one + other).softmax(1))
    torch.testing.assert_close(gate(one, other).sum(1), torch.ones(10))


def test_gates_on_own_experts_alone_give_single_task():
    stem, single = build(STEM).eval(), build(SingleTask, seed=1).eval()
    for task in (0, 1):
        choose(stem, task, expert=task)
        single.bottoms[task].embedding.load_state_dict(stem.own[task].embedding.state_dict())
        single.bottoms[task].mlp.load_state_dict(stem.own[task].experts[0].state_dict())
    single.towers.load_state_dict(stem.towers.state_dict())
    torch.testing.assert_close(stem(inputs()), single(inputs()))


def test_gates_on_a_shared_expert_alone_give_shared_bottom():
    stem, plain = build(STEM).eval(), build(SharedBottom, seed=1).eval()
    for task in (0, 1):
        choose(stem, task, expert=2)
    plain.bottom.embedding.load_state_dict(stem.shared.embedding.state_dict())
    plain.bottom.mlp.load_state_dict(stem.shared.experts[0].state_dict())
    plain.towers.load_state_dict(stem.towers.state_dict())
    torch.testing.assert_close(stem(inputs()), plain(inputs()))


def test_every_parameter_learns():
    stem = build(STEM, dropout=0.0, bottom=(32, 24), tower=(24,), specific=2, shared=3)
    stem(inputs()).square().sum().backward()
    assert [name for name, value in stem.named_parameters() if value.grad is None or not value.grad.any()] == []
