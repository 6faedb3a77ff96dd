"""Truths of PEPNet (SPEC-METHODS 2.2)."""

import copy

import pytest
import torch
from small_splits import small_schema
from tiny_backbones import TASKS, build, inputs, reached
from wide_splits import plain_loop, small_backbone, wide_splits

from mtlbench.api import UsageError
from mtlbench.cells import Training
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive
from mtlbench_plugins.backbones.pepnet import GateUnit, PEPNet

WIDE = {"dropout": 0.0, "bottom": (32, 24), "tower": (24,)}


def all_gates(backbone: PEPNet) -> list[GateUnit]:
    return [module for module in backbone.modules() if isinstance(module, GateUnit)]


@pytest.mark.parametrize("domain", [(), ("hour",)], ids=["ppnet alone", "epnet too"])
def test_with_last_layers_of_gates_zero_the_tasks_are_plain_networks_on_one_embedding(domain: tuple[str, ...]):
    schema = small_schema(TASKS)
    backbone, batch = build(PEPNet, schema, domain=domain).eval(), inputs(schema)
    before = backbone(batch)
    with torch.no_grad():
        for gate in all_gates(backbone):
            gate.factors.weight.zero_()
            gate.factors.bias.zero_()
    plain = []
    for network in backbone.networks:
        state = backbone.embedding(batch)
        for layer in network.layers:
            state = layer(state)
        plain.append(network.logit(state))
    assert torch.equal(backbone(batch), torch.cat(plain, dim=1))
    assert not torch.allclose(before, torch.cat(plain, dim=1))


def test_there_is_a_gate_for_each_layer_of_each_task_and_one_for_the_embedding_of_domains():
    assert len(all_gates(build(PEPNet, small_schema(TASKS)))) == 3 * 3
    assert len(all_gates(build(PEPNet, small_schema(TASKS), domain=("hour",)))) == 3 * 3 + 1


def test_factors_lie_between_zero_and_two():
    torch.manual_seed(0)
    factors = GateUnit(5, 7, 3)(10 * torch.randn(200, 5))
    assert factors.shape == (200, 3)
    assert factors.min() > 0
    assert 1 < factors.max() < 2


def test_the_embedding_has_no_gradient_through_the_gate_that_scales_it():
    backbone = build(PEPNet, domain=("hour",)).eval()
    embedded, scaled, factors = [], [], []
    backbone.embedding.register_forward_hook(lambda module, given, output: embedded.append(output))
    backbone.networks[0].layers[0].register_forward_hook(lambda module, given, output: scaled.append(given[0]))
    backbone.epnet.register_forward_hook(lambda module, given, output: factors.append(output))
    backbone(inputs())
    (gradient,) = torch.autograd.grad(scaled[0].sum(), embedded[0])
    torch.testing.assert_close(scaled[0], embedded[0] * factors[0])
    assert torch.equal(gradient, factors[0])


def test_the_scaled_embedding_has_no_gradient_through_the_gates_of_layers():
    backbone = build(PEPNet).eval()
    embedded, gated = [], []
    backbone.embedding.register_forward_hook(lambda module, given, output: embedded.append(output))
    backbone.networks[0].gates[0].register_forward_hook(lambda module, given, output: gated.append(output))
    backbone(inputs())
    assert torch.autograd.grad(gated[0].sum(), embedded[0], allow_unused=True) == (None,)


def test_only_the_embeddings_and_the_gate_of_the_embedding_are_shared():
    backbone = build(PEPNet, domain=("hour",), **WIDE)
    shared = reached(backbone, 0) & reached(backbone, 1)
    assert {name.split(".")[0] for name in shared} == {"embedding", "priors", "domain", "epnet"}


@pytest.mark.parametrize("domain", [(), ("hour", "item")])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_parameter_learns(domain: tuple[str, ...], norm: str):
    backbone = build(PEPNet, domain=domain, norm=norm, **WIDE)
    backbone(inputs()).square().sum().backward()
    assert [name for name, value in backbone.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize(
    ("user_inputs", "priors", "rows"),
    [((), (), 11 + 7 + 4), (("age",), (), 11 + 7 + 4), (("user", "age"), (), 11), (("user",), ("item", "hour"), 7 + 4)],
)
def test_priors_are_those_named_or_the_ids_of_the_user_or_all_ids(user_inputs, priors, rows: int):
    backbone = build(PEPNet, small_schema(user_inputs=user_inputs), priors=priors)
    assert len(backbone.priors.weight) == rows
    assert backbone.embedding.weight.shape[0] == 22


def test_the_gates_see_the_prior_and_only_it_beside_the_embedding():
    backbone = build(PEPNet, priors=("item",)).eval()
    batch = inputs()
    seen = []
    backbone.networks[1].gates[2].register_forward_hook(lambda module, given, output: seen.append(given[0]))
    backbone(batch)
    expected = torch.cat([backbone.priors.weight[batch.categorical[:, 1]], backbone.embedding(batch)], dim=1)
    assert torch.equal(seen[0], expected)


def test_tables_of_some_fields_train_row_by_row_as_a_plain_loop_does():
    splits = wide_splits()
    backbone = small_backbone("pepnet", splits, priors=("user",), domain=("item",))
    plain = copy.deepcopy(backbone)
    model = Model(backbone, splits, Training(batch_size=8))
    rows = list(torch.arange(96).split(8))
    losses = []
    for number, batch in enumerate(rows):
        torch.manual_seed(derive(0, number))
        loss = model.step(batch).losses.mean()
        assert model.leaves()["priors.weight"] is not backbone.priors.weight
        model.descend(loss)
        losses.append(loss.item())
    torch.testing.assert_close(losses, plain_loop(plain, splits, rows), atol=1e-5, rtol=1e-5)
    model.infer(splits.validation)
    for fast, slow in zip(backbone.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("parameter", ["priors", "domain"])
def test_a_name_that_is_no_categorical_input_is_refused_with_the_nearest(parameter: str):
    with pytest.raises(UsageError, match=r"'usr' is no categorical input of the dataset: .*user"):
        build(PEPNet, **{parameter: ("usr",)})
    with pytest.raises(UsageError, match="'age' is no categorical input"):
        build(PEPNet, **{parameter: ("age",)})


def test_without_ids_it_is_refused_with_the_reason():
    assert "no categorical input" in PEPNet.applicable(small_schema(categorical=()))
