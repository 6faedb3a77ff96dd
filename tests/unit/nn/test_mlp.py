"""Hidden layers, bottoms and towers against the operations they are made of."""

import torch
from small_splits import small_schema, small_split
from torch import nn

from mtlbench.api import Sizes
from mtlbench.nn import MLP, Bottom, Experts, Gate, Hidden, Tower


def test_hidden_layer_is_linear_then_norm_then_relu():
    hidden = Hidden(5, 3, dropout=0.0, norm="batch")
    x = torch.randn(50, 5)
    linear = x @ hidden[0].weight.T + hidden[0].bias
    normal = (linear - linear.mean(0)) / (linear.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(hidden(x), normal.relu())


def test_layers_without_widths_are_the_identity_and_a_linear_logit():
    x = torch.randn(4, 6)
    assert torch.equal(MLP(6, (), 0.2, "none")(x), x)
    tower = Tower(6, (), 0.2, "batch")
    assert torch.equal(tower(x), tower.logit(x))
    assert [type(module) for module in tower.modules() if not list(module.children())] == [MLP, nn.Linear]


def test_the_logit_of_a_tower_is_neither_cut_nor_dropped():
    tower = Tower(6, (8,), 0.5, "none")
    with torch.no_grad():
        tower.logit.weight.zero_()
        tower.logit.bias.fill_(-3.0)
    assert (tower(torch.randn(100, 6)) == -3).all()


def test_bottom_is_as_wide_as_its_last_layer_and_reads_only_its_sizes():
    schema = small_schema()
    split = small_split(schema, 12, seed=0)
    bottom = Bottom(schema, Sizes(embedding=4, bottom=(9, 7), tower=(3,)))
    assert bottom.width == 7
    assert bottom(split.inputs).shape == (12, 7)
    assert bottom.embedding.width == 4 * 4


def test_gates_and_experts_agree_on_the_number_of_experts():
    x = torch.randn(10, 5)
    outputs = Experts(3, 5, (6, 4), 0.0, "none")(x)
    assert [output.shape for output in outputs] == [(10, 4)] * 3
    assert Gate(5, 3)(x).shape == (10, len(outputs))
