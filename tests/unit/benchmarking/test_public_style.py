"""The reference loop in the public style computes what the harness computes, for every backbone."""

import copy
from itertools import islice

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from wide_splits import BACKBONES, small_backbone, wide_splits

from mtlbench.api import Backbone, Splits
from mtlbench.benchmarking.public_style import (
    PublicEmbedding,
    in_public_style,
    public_loader,
    public_losses,
    public_step,
)
from mtlbench.cells import Training
from mtlbench.nn import FieldEmbedding, ReLUDropout
from mtlbench.training import BackboneTrainer

BATCH = 16
STEPS = 50


def build(name: str, data: Splits, **sizes: object) -> Backbone:
    return small_backbone(name, data, **{"dropout": 0.0, **sizes})


@pytest.mark.parametrize(("norm", "bags"), [("none", False), ("batch", True)])
@pytest.mark.parametrize("name", BACKBONES)
def test_logits_and_gradients_equal_ours_under_the_same_parameters(name: str, norm: str, bags: bool):
    data = wide_splits(bags=bags)
    ours = build(name, data, norm=norm)
    public = in_public_style(ours)
    assert list(public.state_dict()) == list(ours.state_dict())
    batch = data.train.inputs[:64]
    torch.testing.assert_close(public(batch), ours(batch))
    for network in (ours, public):
        F.binary_cross_entropy_with_logits(network(batch), data.train.labels[:64]).backward()
    for (key, own), theirs in zip(ours.named_parameters(), public.parameters(), strict=True):
        torch.testing.assert_close(theirs.grad, own.grad, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", BACKBONES)
def test_it_is_made_of_torchs_layers_and_leaves_the_original_alone(name: str):
    ours = build(name, wide_splits(), dropout=0.25)
    before = copy.deepcopy(ours.state_dict())
    kinds = [type(module) for module in ours.modules()]
    public = in_public_style(ours)
    assert not any(isinstance(module, FieldEmbedding | ReLUDropout) for module in public.modules())
    dropouts = [module.p for module in public.modules() if isinstance(module, nn.Dropout)]
    assert dropouts == [0.25] * kinds.count(ReLUDropout)
    assert [type(module) for module in ours.modules()] == kinds
    next(iter(public_losses(public, wide_splits().train, BATCH)))
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


@pytest.mark.parametrize("bags", [False, True], ids=["ids", "bags"])
@pytest.mark.parametrize("name", BACKBONES)
def test_training_curves_agree_over_fifty_steps(name: str, bags: bool):
    """Dropout off: its masks are of one distribution, but drawn from other random numbers.

    The reference pools bags by torch's own embedding bag, of a table that it updates whole.
    """
    data = wide_splits(bags=bags)
    ours = build(name, data)
    step = public_step(in_public_style(ours).train())
    trainer = BackboneTrainer(ours, data, Training(batch_size=BATCH), 0)
    batches = [rows for epoch in range(1, 5) for rows in trainer.minibatches("train", epoch)][:STEPS]
    assert len(batches) == STEPS
    expected, found = [], []
    for rows in batches:
        split = data.train
        expected.append(step(split.inputs[rows], split.labels[rows]))
        loss = trainer.step(rows).losses.mean()
        trainer.descend(loss)
        found.append(loss.item())
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=1e-5, rtol=1e-5)
    assert sum(found[-15:]) < sum(found[:15])


def test_the_gradient_of_the_table_is_dense():
    data = wide_splits()
    public = in_public_style(build("mmoe", data))
    (table,) = (module for module in public.modules() if isinstance(module, PublicEmbedding))
    public(data.train.inputs[:8]).sum().backward()
    assert table.weight.grad.layout == torch.strided
    assert table.weight.grad.shape == table.weight.shape


def test_the_loader_gives_every_row_once_and_the_loop_goes_on_after_an_epoch():
    data = wide_splits()
    loader = public_loader(data.train, BATCH, shuffle=True)
    numbers = torch.cat([numerical for _, numerical, _ in loader])
    assert torch.equal(numbers.sort(dim=0).values, data.train.numerical.sort(dim=0).values)
    losses = list(islice(public_losses(build("shared-bottom", data), data.train, BATCH), 31))
    assert len(losses) == 2 * len(list(loader)) + 1
