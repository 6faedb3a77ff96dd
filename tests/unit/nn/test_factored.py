"""First layers on each distinct vector once: what they give is what they give on the vector of each place."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_field_embedding import draw, make_schema
from torch import Tensor, nn

from mtlbench.api import Inputs, VectorField
from mtlbench.nn import MLP, Experts, FieldEmbedding, Gate, Tower, embedding, factored, mixtures
from mtlbench.nn.factored import Factored
from mtlbench.nn.linear import Linear, first_layers
from mtlbench.training.embeddings.algorithms import EmbeddingAdam


@pytest.fixture(autouse=True)
def always_factored() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "SUM_COST", -(10**9))
        yield


def doubled(inputs: Inputs) -> Inputs:
    return Inputs.of([one.double() if one.is_floating_point() else one for one in inputs.tensors()])


def results(module: FieldEmbedding, layer: Linear, read: Tensor | Factored, upstream: tuple[Tensor, Tensor]) -> list:
    """What a layer and a mean give, and all gradients."""
    outputs = [layer(read), module.mean(read)]
    leaves = [*module.parameters(), *layer.parameters()]
    total = sum((output * of_output).sum() for output, of_output in zip(outputs, upstream, strict=True))
    return [*outputs, *torch.autograd.grad(total, leaves, allow_unused=True)]


@given(
    cardinalities=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    numerical=st.integers(0, 3),
    widths=st.lists(st.integers(1, 4), max_size=2),
    rows=st.integers(1, 12),
    cache=st.sampled_from([1, 50, 1 << 22]),
    whole=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_outputs_and_gradients_are_those_of_the_concatenated_vectors(
    cardinalities: list[int], numerical: int, widths: list[int], rows: int, cache: int, whole: bool, seed: int
):
    torch.manual_seed(seed)
    vectors = tuple(VectorField(f"vectors{number}", width) for number, width in enumerate(widths))
    schema = replace(make_schema(cardinalities, numerical), vectors=vectors)
    module = FieldEmbedding(schema, 3).double()
    layer = Linear(module.width, 7).double()
    inputs = doubled(replace(draw(schema, rows), vectors=tuple(torch.randn(rows, width) for width in widths)))
    upstream = torch.randn(rows, 7, dtype=torch.float64), torch.randn(rows, 3, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factored, "CACHE_ELEMENTS", cache)
        patch.setattr(embedding, "SMALL_TABLE", 0 if whole else 10**9)
        read = module.factored(inputs)
        assert isinstance(read, Factored)
        assert len(read.values) == (sum(cardinalities) if whole else len(module.index(inputs).unique()))
        ours = results(module, layer, read, upstream)
    theirs = results(module, layer, module(inputs), upstream)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_rows_of_an_optimiser_are_taken_field_by_field():
    torch.manual_seed(0)
    schema = make_schema([30, 5, 40], 2)
    module = FieldEmbedding(schema, 4)
    layer = Linear(module.width, 6)
    optimiser = EmbeddingAdam(module.weight)
    for _ in range(4):
        inputs = draw(schema, 20)
        module.rows = optimiser.prepare(module.index(inputs), module.offsets)
        read = module.factored(inputs)
        assert isinstance(read, Factored)
        assert read.values is module.rows.values
        expected = layer(module(inputs))
        torch.testing.assert_close(layer(read), expected)
        (ours,) = torch.autograd.grad(layer(read).square().sum(), module.rows.values)
        expected.square().sum().backward()
        torch.testing.assert_close(ours, module.rows.values.grad)
        optimiser.step()


def test_only_where_it_saves_work(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "SUM_COST", factored.SUM_COST)
    schema = make_schema([50, 50], 1)
    for width, rows, expected in ((64, 2000, True), (64, 20, False), (8, 2000, False)):
        module = FieldEmbedding(schema, width)
        assert isinstance(module.factored(draw(schema, rows)), Factored) == expected


def test_reduced_precision_multiplies_the_vector_of_each_place():
    schema = make_schema([5], 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert isinstance(FieldEmbedding(schema, 4).factored(draw(schema, 9)), Tensor)


def test_ids_of_any_integer_type_and_rows_without_a_number():
    schema = make_schema([5, 3], 0)
    module = FieldEmbedding(schema, 4)
    layer = Linear(module.width, 2)
    inputs = draw(schema, 9)
    ids = inputs.categorical, inputs.categorical.long()
    narrow, wide = (layer(module.factored(replace(inputs, categorical=each))) for each in ids)
    assert torch.equal(narrow, wide)


@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    numerical=st.integers(0, 2),
    cache=st.sampled_from([1, 50, 1 << 22]),
    small=st.sampled_from([0, 1 << 22]),
    used=st.sets(st.integers(0, 3), min_size=1),
    seed=st.integers(0, 1000),
)
def test_layers_that_read_together_give_what_each_gives_alone(
    widths: list[int], numerical: int, cache: int, small: int, used: set[int], seed: int
):
    torch.manual_seed(seed)
    schema = make_schema([9, 30, 2], numerical)
    module = FieldEmbedding(schema, 3).double()
    layers = nn.ModuleList(Linear(module.width, width) for width in widths).double()
    used = {place % len(widths) for place in used}
    inputs = doubled(draw(schema, 11))
    upstream = [torch.randn(11, width, dtype=torch.float64) for width in widths]
    leaves = [*module.parameters(), *layers.parameters()]

    def gradients(outputs: list[Tensor]) -> list[Tensor | None]:
        total = sum((outputs[place] * upstream[place]).sum() for place in used)
        return [*torch.autograd.grad(total, leaves, allow_unused=True)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factored, "CACHE_ELEMENTS", cache)
        patch.setattr(factored, "SMALL_PRODUCT", small)
        alone = module.factored(inputs)
        together = module.factored(inputs, readers=layers)
        assert isinstance(together, Factored)
        ours, theirs = ([layer(read) for layer in layers] for read in (together, alone))
        assert not together._read
        for a, b in zip([*ours, *gradients(ours)], [*theirs, *gradients(theirs)], strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                torch.testing.assert_close(a, b)


def test_a_gate_whose_mixture_is_not_used_gets_no_gradient():
    torch.manual_seed(0)
    schema = make_schema([9, 30, 2], 1)
    module = FieldEmbedding(schema, 3)
    gates = nn.ModuleList(Gate(module.width, 2) for _ in range(2))
    outputs = [torch.randn(11, 4, requires_grad=True) for _ in range(2)]
    read = module.factored(draw(schema, 11))
    assert isinstance(read, Factored)
    first, _ = mixtures([gate(read) for gate in gates], outputs)
    found = torch.autograd.grad(
        first.square().sum(), [*gates[0].parameters(), *gates[1].parameters()], allow_unused=True
    )
    assert [one is None for one in found] == [False, False, True, True]


def test_the_first_layers_are_those_that_read_the_input():
    experts = Experts(2, 6, (5, 4), 0.0, "batch")
    gate = Gate(6, 2)
    branch = nn.Sequential(MLP(6, (5,), 0.0, "none"), Tower(5, (3,), 0.0, "none"))
    found = first_layers([experts, gate, branch, MLP(6, (), 0.0, "none")])
    assert [id(layer) for layer in found] == [
        id(layer) for layer in (experts[0][0][0], experts[1][0][0], gate, branch[0][0][0])
    ]
