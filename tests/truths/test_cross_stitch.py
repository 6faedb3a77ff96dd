"""Truths of the cross-stitch networks (SPEC-METHODS 2.4)."""

import pytest
import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, reached

from mtlbench_plugins.backbones.cross_stitch import CrossStitch


def set_stitches(backbone: CrossStitch, value: torch.Tensor) -> None:
    with torch.no_grad():
        for layer in backbone.layers:
            for row, of_row in zip(layer.rows, value, strict=True):
                row.copy_(of_row)


def test_the_identity_gives_separate_bottoms_over_one_embedding():
    schema = small_schema(TASKS)
    backbone, batch = build(CrossStitch, schema).eval(), inputs(schema)
    set_stitches(backbone, torch.eye(3))
    separate = []
    for first, second, tower in zip(*(layer.hidden for layer in backbone.layers), backbone.towers, strict=True):
        separate.append(tower(second(first(backbone.embedding(batch)))))
    torch.testing.assert_close(backbone(batch), torch.cat(separate, dim=1))


def test_with_the_identity_a_task_has_no_gradient_in_another_tasks_layers():
    backbone = build(CrossStitch, own=1.0)
    assert all(torch.equal(torch.stack([*layer.rows]), torch.eye(2)) for layer in backbone.layers)
    backbone(inputs())[:, 0].sum().backward()
    others = [*backbone.layers[0].hidden[1].parameters(), *backbone.layers[1].hidden[1].parameters()]
    assert not any(parameter.grad.any() for parameter in others)


def test_equal_entries_of_the_last_matrix_give_all_towers_the_same_input():
    schema = small_schema(TASKS)
    backbone = build(CrossStitch, schema).eval()
    read = []
    for tower in backbone.towers:
        tower.register_forward_hook(lambda module, given, output: read.append(given[0]))
    backbone(inputs(schema))
    assert not torch.allclose(read[0], read[1])
    read.clear()
    with torch.no_grad():
        for row in backbone.layers[-1].rows:
            row.fill_(1 / 3)
    backbone(inputs(schema))
    assert torch.equal(read[0], read[1])
    assert torch.equal(read[0], read[2])


@pytest.mark.parametrize("tasks", [2, 3])
def test_each_layer_is_mixed_by_rows_that_sum_to_one_at_first(tasks: int):
    backbone = build(CrossStitch, small_schema(TASKS[:tasks]), bottom=(12, 10, 8), own=0.8)
    assert len(backbone.layers) == 3
    for stitch in (torch.stack([*layer.rows]) for layer in backbone.layers):
        torch.testing.assert_close(stitch.sum(1), torch.ones(tasks))
        torch.testing.assert_close(stitch.diagonal(), torch.full((tasks,), 0.8))
        assert stitch[0, 1].item() == pytest.approx(0.2 / (tasks - 1))


def test_a_mixed_layer_is_the_matrix_times_the_activations():
    backbone, batch = build(CrossStitch, bottom=(12,)).eval(), inputs()
    stitch = torch.tensor([[0.5, -2.0], [3.0, 0.25]])
    set_stitches(backbone, stitch)
    embedded = backbone.embedding(batch)
    outputs = torch.stack([hidden(embedded) for hidden in backbone.layers[0].hidden])
    mixed = torch.einsum("kj,jbw->kbw", stitch, outputs)
    expected = torch.cat([tower(state) for tower, state in zip(backbone.towers, mixed, strict=True)], dim=1)
    torch.testing.assert_close(backbone(batch), expected)


def test_all_but_the_last_rows_and_the_towers_are_shared():
    backbone = build(CrossStitch, dropout=0.0, bottom=(32, 24), tower=(24,))
    own = {f"layers.1.rows.{task}" for task in (0, 1)}
    names = {name for name, _ in backbone.named_parameters() if not name.startswith("towers.")}
    assert reached(backbone, 0) & reached(backbone, 1) == names - own


def test_one_task_is_refused_with_the_reason():
    assert "the dataset has one" in CrossStitch.applicable(small_schema(("click",)))
    assert CrossStitch.applicable(small_schema(TASKS, parallel=True)) is None
