"""Shared layers against torch's own."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlbench.nn import ReLUDropout, experts, mix, mixtures
from mtlbench.nn.activation import Dropout


@given(seed=st.integers(0, 2**31), p=st.floats(0.01, 0.9))
def test_dropout_keeps_positive_inputs_scaled_or_drops_them(seed: int, p: float):
    torch.manual_seed(seed)
    x = torch.randn(7, 13, requires_grad=True)
    output = ReLUDropout(p)(x)
    kept = output > 0
    scale = 65536 / round((1 - p) * 65536)
    torch.testing.assert_close(output[kept], x[kept] * scale)
    assert (output[~kept] == 0).all()
    assert (x[kept] > 0).all()
    (gradient,) = torch.autograd.grad(output.sum(), x)
    torch.testing.assert_close(gradient, kept.float() * scale)


@given(seed=st.integers(0, 2**31), p=st.floats(0.01, 0.9))
def test_dropout_in_bfloat16_has_the_masks_of_float32(seed: int, p: float):
    x = torch.randn(7, 13, generator=torch.Generator().manual_seed(seed)).bfloat16().requires_grad_()
    torch.manual_seed(seed)
    output = ReLUDropout(p)(x)
    torch.manual_seed(seed)
    expected = ReLUDropout(p)(x.detach().float())
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output, expected.bfloat16(), rtol=0.01, atol=0)
    (gradient,) = torch.autograd.grad(output.sum(), x)
    scale = 65536 / round((1 - p) * 65536)
    torch.testing.assert_close(gradient, ((expected > 0) * scale).bfloat16())


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float):
    torch.manual_seed(0)
    x = torch.ones(1000, 1001)
    output = ReLUDropout(p)(x)
    assert (output == 0).double().mean().item() == pytest.approx(p, abs=0.002)
    assert output.double().mean().item() == pytest.approx(1, abs=0.003)
    by_column = (output == 0).double().mean(0)
    # A column's share of zeros is binomial: 1,000 rows, standard deviation below 0.016.
    assert (by_column - p).abs().max() < 6 * 0.016


@given(seed=st.integers(0, 2**31), p=st.floats(0.01, 0.9))
def test_dropout_without_relu_has_the_same_masks(seed: int, p: float):
    x = torch.randn(7, 13, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    torch.manual_seed(seed)
    output = Dropout(p)(x)
    torch.manual_seed(seed)
    kept = ReLUDropout(p)(torch.ones(7, 13))
    torch.testing.assert_close(output, x * kept)
    (gradient,) = torch.autograd.grad(output.sum(), x)
    torch.testing.assert_close(gradient, kept)
    assert Dropout(0.0)(x) is x
    assert Dropout(p).eval()(x) is x


def test_dropout_masks_are_a_function_of_torchs_seed():
    x, layer = torch.ones(20, 20), ReLUDropout(0.5)
    torch.manual_seed(1)
    first, second = layer(x), layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_dropout_drops_whatever_the_layout_in_memory_and_however_high_its_share():
    transposed = torch.ones(30, 40).t()
    output = ReLUDropout(0.5)(transposed)
    assert 0.3 < (output == 0).double().mean().item() < 0.7
    assert (ReLUDropout(1 - 1e-9)(transposed) == 0).double().mean().item() > 0.99


def test_no_dropout_is_relu():
    x = torch.randn(5, 5)
    assert torch.equal(ReLUDropout(0.0)(x), x.relu())
    assert torch.equal(ReLUDropout(0.5).eval()(x), x.relu())


def test_in_place_it_overwrites_its_input_where_nothing_is_learnt_and_only_there():
    layer = ReLUDropout(0.5, inplace=True).eval()
    x = torch.tensor([-1.0, 2.0])
    assert torch.equal(layer(x), torch.tensor([0.0, 2.0]))
    assert torch.equal(x, torch.tensor([-1.0, 2.0]))
    with torch.no_grad():
        assert layer(x).data_ptr() == x.data_ptr()
        assert torch.equal(layer.train()(x * 0 - 1), torch.zeros(2))
    assert torch.equal(x, torch.tensor([0.0, 2.0]))


@given(seed=st.integers(0, 1000), experts=st.integers(1, 5))
def test_mix_and_its_gradients_are_those_of_the_weighted_sum(seed: int, experts: int):
    generator = torch.Generator().manual_seed(seed)
    shares = torch.randn(6, experts, generator=generator, dtype=torch.float64, requires_grad=True)
    outputs = [torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(experts)]
    expected = (shares.unsqueeze(2) * torch.stack(outputs, dim=1)).sum(1)
    torch.testing.assert_close(mix(shares, outputs), expected)
    upstream = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    ours = torch.autograd.grad(mix(shares, outputs), [shares, *outputs], upstream)
    theirs = torch.autograd.grad(expected, [shares, *outputs], upstream)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_mixtures_have_second_derivatives():
    random = torch.Generator().manual_seed(0)
    sizes = [(3, 2)] * 2 + [(3, 4)] * 2
    tensors = [torch.randn(size, generator=random, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradgradcheck(lambda *made: tuple(mixtures(made[:2], made[2:])), tensors)


class Stop(torch.autograd.Function):
    """Gives its input back, and no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> None:
        return None


def test_mixtures_whose_readers_all_pass_no_gradient_on_have_none():
    shares = [torch.ones(3, 2, requires_grad=True) for _ in range(2)]
    outputs = [torch.ones(3, 4, requires_grad=True) for _ in range(2)]
    first, second = mixtures(shares, outputs)
    (Stop.apply(first) + Stop.apply(second)).sum().backward()
    assert [leaf.grad for leaf in (*shares, *outputs)] == [None] * 4


def one_by_one(shares: list[Tensor], outputs: list[Tensor]) -> list[Tensor]:
    """Each sum by itself; autograd adds up the gradients of the outputs."""
    sums = []
    for own in shares:
        mixed = outputs[0] * own[:, :1]
        for e, output in enumerate(outputs[1:], start=1):
            mixed = mixed.addcmul(output, own[:, e : e + 1])
        sums.append(mixed)
    return sums


@pytest.mark.parametrize("block", [1, 50, 1 << 19])
@pytest.mark.parametrize("tasks", [1, 2, 6])
def test_mixtures_have_the_bits_of_sums_made_one_by_one(tasks: int, block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(experts, "CACHE_ELEMENTS", block)
    random = torch.Generator().manual_seed(tasks)
    shares = [torch.randn(9, 4, generator=random).softmax(1).requires_grad_() for _ in range(tasks)]
    outputs = [torch.randn(9, 8, generator=random).requires_grad_() for _ in range(4)]
    upstream = [torch.randn(9, 8, generator=random) for _ in range(tasks)]
    frozen = [output.detach() if e == 1 else output for e, output in enumerate(outputs)]
    for read in (outputs, frozen):
        ours, theirs = mixtures(shares, read), one_by_one(shares, read)
        assert all(map(torch.equal, ours, theirs))
        leaves = [output for output in read if output.requires_grad]
        found, expected = (torch.autograd.grad(sums, leaves, upstream, retain_graph=True) for sums in (ours, theirs))
        assert all(map(torch.equal, found, expected))
        for own, one, other in zip(shares, ours, theirs, strict=True):  # a sum of which nothing came back adds nothing
            single = torch.autograd.grad(one, [*leaves, *shares], upstream[0], retain_graph=True, allow_unused=True)
            wanted = torch.autograd.grad(other, [*leaves, own], upstream[0], retain_graph=True)
            assert all(map(torch.equal, single[: len(leaves)], wanted[:-1]))
            (of_shares,) = [gradient for gradient in single[len(leaves) :] if gradient is not None]
            torch.testing.assert_close(of_shares, wanted[-1])
