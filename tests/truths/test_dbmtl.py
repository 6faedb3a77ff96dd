"""Truths of DBMTL (SPEC-METHODS 2.6)."""

from dataclasses import replace

import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, reached

from mtlbench.api import Task
from mtlbench_plugins.backbones.dbmtl import DBMTL
from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.backbones.single_task import SingleTask

WIDE = {"dropout": 0.0, "bottom": (32, 24), "tower": (24,)}


def of_parts(names: set[str]) -> set[str]:
    """The first two parts of the names of parameters, such as ``towers.1``."""
    return {".".join(name.split(".")[:2]) for name in names if not name.startswith("bottom.")}


def test_without_parents_and_relations_it_is_shared_bottom():
    schema = small_schema(TASKS, parallel=True)
    backbone, plain = build(DBMTL, schema).eval(), build(SharedBottom, schema, seed=1).eval()
    plain.bottom.load_state_dict(backbone.bottom.state_dict())
    with torch.no_grad():
        for relation in backbone.relations:
            relation[0].weight.copy_(torch.eye(5))
            relation[0].bias.zero_()
    for one, tower, logit in zip(plain.towers, backbone.towers, backbone.logits, strict=True):
        one.mlp.load_state_dict(tower.state_dict())
        one.logit.load_state_dict(logit.state_dict())
    torch.testing.assert_close(backbone(inputs(schema)), plain(inputs(schema)))


def test_one_task_is_single_task_with_a_layer_more():
    schema = small_schema(("click",))
    backbone, single = build(DBMTL, schema).eval(), build(SingleTask, schema, seed=1, tower=(5, 5)).eval()
    single.bottoms[0].load_state_dict(backbone.bottom.state_dict())
    single.towers[0].mlp[0].load_state_dict(backbone.towers[0][0].state_dict())
    single.towers[0].mlp[1].load_state_dict(backbone.relations[0].state_dict())
    single.towers[0].logit.load_state_dict(backbone.logits[0].state_dict())
    assert torch.equal(backbone(inputs(schema)), single(inputs(schema)))


def test_the_first_task_trains_nothing_of_the_second_and_the_second_trains_the_first():
    backbone = build(DBMTL, **WIDE)
    assert of_parts(reached(backbone, 0)) == {"towers.0", "relations.0", "logits.0"}
    assert of_parts(reached(backbone, 1)) == {"towers.0", "relations.0", "towers.1", "relations.1", "logits.1"}


def test_zero_columns_of_the_parent_cut_the_link():
    backbone = build(DBMTL, **WIDE).eval()
    with torch.no_grad():
        backbone.relations[1][0].weight[:, 24:].zero_()
    before = backbone(inputs())
    assert of_parts(reached(backbone, 1)) == {"towers.1", "relations.1", "logits.1"}
    with torch.no_grad():
        backbone.towers[0][0][0].weight.mul_(3)
    after = backbone(inputs())
    assert torch.equal(before[:, 1], after[:, 1])
    assert not torch.equal(before[:, 0], after[:, 0])


def test_a_task_may_stand_before_its_parent_and_two_tasks_may_share_one():
    tasks = (Task("return", after="conversion"), Task("conversion", after="click"), Task("click"))
    schema = replace(small_schema(), tasks=(*tasks, Task("like", after="click")))
    assert DBMTL.applicable(schema) is None
    backbone = build(DBMTL, schema, **WIDE)
    backbone(inputs(schema))[:, 0].sum().backward()
    found = {name for name, value in backbone.named_parameters() if value.grad is not None and value.grad.any()}
    links = {f"{part}.{task}" for part in ("towers", "relations") for task in (0, 1, 2)}
    assert of_parts(found) == {*links, "logits.0"}


def test_towers_without_layers_hand_on_the_bottom():
    backbone = build(DBMTL, tower=())
    assert backbone(inputs()).shape == (40, 2)
    assert backbone.relations[1][0].weight.shape == (8, 16)


def test_tasks_of_which_none_comes_after_another_are_refused_with_the_reason():
    assert "parallel" in DBMTL.applicable(small_schema(parallel=True))
    assert "the dataset has one" in DBMTL.applicable(small_schema(("click",)))
    assert DBMTL.applicable(small_schema(TASKS)) is None
