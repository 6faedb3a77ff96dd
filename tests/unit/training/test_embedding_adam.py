"""The embedding optimisers against torch's own, over access patterns in which rows go unread for long."""

import io
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.errors import UsageError
from mtlbench.training.embeddings.algorithms import (
    EMBEDDING_OPTIMISERS,
    EmbeddingAdam,
    EmbeddingSparseAdam,
    RowwiseAdagrad,
    embedding_optimiser,
)
from mtlbench.training.embeddings.base import EmbeddingOptimiser
from mtlbench.training.embeddings.catch_up import CatchUp

TOLERANCE = 1e-6
"""Allowed distance from dense Adam in float64, in units of the learning rate."""
WIDTH = 3


@dataclass
class Race:
    """An embedding optimiser and a torch optimiser over copies of one table, given the same gradients."""

    ours: EmbeddingOptimiser
    dense: nn.Parameter
    torch_optimiser: torch.optim.Optimizer
    worst_read: float = field(default=0.0, init=False)
    """Largest difference between a row as the forward read it and the dense table at that moment."""

    @classmethod
    def adam(cls, rows: int, dtype: torch.dtype = torch.float64, lr: float = 1e-3, width: int = WIDTH) -> "Race":
        start = (0.05 * torch.randn(rows, width, dtype=torch.float64, generator=generator(7))).to(dtype)
        dense = nn.Parameter(start.clone())
        return cls(EmbeddingAdam(nn.Parameter(start.clone()), lr), dense, torch.optim.Adam([dense], lr=lr, fused=True))

    def step(self, index: Tensor, upstream: Tensor) -> None:
        """One step in which each place of ``index`` gets the gradient ``upstream`` (*index.shape, width)."""
        rows = self.ours.prepare(index)
        self.worst_read = max(self.worst_read, difference(rows.values[rows.position], self.dense[index]))
        (F.embedding(rows.position, rows.values) * upstream).sum().backward()
        self.ours.step()
        self.torch_optimiser.zero_grad()
        (F.embedding(index, self.dense) * upstream).sum().backward()
        self.torch_optimiser.step()

    def distance(self) -> float:
        self.ours.catch_up_all()
        return difference(self.ours.weight, self.dense)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max())


def random_steps(race: Race, probability: Tensor, scale: Tensor, steps: int, seed: int) -> None:
    """Read each row with its own ``probability`` and gradient ``scale``, some twice in a batch."""
    random = generator(seed)
    rows = torch.arange(len(race.dense))
    for _ in range(steps):
        read = rows[torch.rand(len(rows), generator=random) < probability]
        read = torch.cat([read, read[:2], rows[-1:]])
        upstream = torch.randn(len(read), WIDTH, dtype=torch.float64, generator=random) * scale[read, None]
        race.step(read, upstream.to(race.dense.dtype))


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.003, 0.03, 0.3, 1.0]), st.integers(-12, 2)), min_size=2, max_size=8
    ),
    steps=st.integers(1, 400),
    lr=st.sampled_from([1e-4, 1e-3, 1e-1]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=15, deadline=None)
def test_equals_dense_adam_over_random_access_patterns(
    rows: list[tuple[float, int]], steps: int, lr: float, seed: int
) -> None:
    race = Race.adam(len(rows), lr=lr)
    probability = torch.tensor([chance for chance, _ in rows])
    scale = 10.0 ** torch.tensor([exponent for _, exponent in rows], dtype=torch.float64)
    random_steps(race, probability, scale, steps, seed)
    assert race.worst_read <= TOLERANCE * lr
    assert race.distance() <= TOLERANCE * lr


@pytest.mark.parametrize("distinct", [True, False])
def test_rows_that_rest_for_thousands_of_steps_equal_dense_adam(distinct: bool) -> None:
    race = Race.adam(16)
    race.ours.distinct = distinct
    probability = torch.logspace(0, -3.5, 16)
    scale = 10.0 ** torch.linspace(2, -12, 16, dtype=torch.float64)[torch.randperm(16, generator=generator(1))]
    race.step(torch.arange(15), scale[:15, None].expand(15, WIDTH).clone())
    random_steps(race, probability, scale, 2500, seed=3)
    assert race.worst_read <= TOLERANCE * 1e-3
    assert race.distance() <= TOLERANCE * 1e-3


def test_in_float32_it_is_as_near_to_exact_adam_as_dense_float32_adam_is() -> None:
    single, exact = Race.adam(16, torch.float32), Race.adam(16, torch.float64)
    with torch.no_grad():
        exact.dense.copy_(single.dense)
    probability = torch.logspace(0, -3, 16)
    scale = 10.0 ** torch.linspace(2, -12, 16, dtype=torch.float64)[torch.randperm(16, generator=generator(1))]
    for race in (single, exact):
        random_steps(race, probability, scale, 2000, seed=3)
    single.ours.catch_up_all()
    ours, theirs = difference(single.ours.weight, exact.dense), difference(single.dense, exact.dense)
    assert single.worst_read <= 1e-6
    assert difference(single.ours.weight, single.dense) <= 1e-6
    assert ours <= 1.5 * theirs


@pytest.mark.parametrize("gradient", [1e-12, 1e-9, 1e-7, 1e-3])
def test_a_row_read_once_coasts_as_far_as_in_dense_adam(gradient: float) -> None:
    race = Race.adam(2)
    before = race.dense[0].detach().clone()
    race.step(torch.tensor([0, 1]), torch.full((2, WIDTH), gradient, dtype=torch.float64))
    after_read = race.dense[0].detach().clone()
    for _ in range(1000):
        race.step(torch.tensor([1]), torch.full((1, WIDTH), gradient, dtype=torch.float64))
    coasted = difference(race.dense[0], after_read)
    assert coasted > difference(after_read, before), "most of a rare row's way is momentum"
    assert difference(race.ours.weight[0], race.dense[0]) > 0.9 * coasted, "nothing was owed before the catch-up"
    assert race.distance() <= 1e-9 * coasted + TOLERANCE * 1e-3


def test_rows_read_at_every_step_are_bit_for_bit_those_of_fused_adam() -> None:
    race = Race.adam(50, torch.float32, width=32)  # a multiple of the vector length: torch rounds remainders otherwise
    random = generator(0)
    for _ in range(40):
        race.step(torch.arange(50), torch.randn(50, 32, generator=random))
    race.ours.catch_up_all()
    assert torch.equal(race.ours.weight, race.dense)


def test_rows_never_read_keep_their_bits() -> None:
    race = Race.adam(10, torch.float32)
    start = race.dense.detach().clone()
    random_steps(race, torch.tensor([0.5] * 5 + [0.0] * 5), torch.ones(10, dtype=torch.float64), 50, seed=0)
    race.ours.catch_up_all()
    assert torch.equal(race.ours.weight[5:9], start[5:9])


def test_a_gradient_of_zero_is_a_step_as_in_dense_adam() -> None:
    race = Race.adam(4)
    index = torch.tensor([0, 1])
    race.step(index, torch.ones(2, WIDTH, dtype=torch.float64))
    for _ in range(30):
        race.step(index[:1], torch.zeros(1, WIDTH, dtype=torch.float64))
    assert race.distance() <= TOLERANCE * 1e-3


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_the_index_may_have_any_shape_and_repeat_rows(distinct: bool, dtype: torch.dtype) -> None:
    race = Race.adam(6)
    race.ours.distinct = distinct
    index = torch.tensor([[0, 5, 0], [3, 5, 0]], dtype=dtype)
    rows = race.ours.prepare(index)
    assert rows.position.shape == index.shape
    assert rows.values.shape == (3 if distinct else 6, WIDTH)
    assert torch.equal(rows.values[rows.position], race.ours.weight[index])
    for seed in range(20):
        race.step(index, torch.randn(2, 3, WIDTH, dtype=torch.float64, generator=generator(seed)))
    assert race.distance() <= TOLERANCE * 1e-3


def test_preparing_reads_and_does_not_write() -> None:
    plain, curious = Race.adam(8), Race.adam(8)
    upstream = torch.ones(2, WIDTH, dtype=torch.float64)
    for step in range(30):
        for race in (plain, curious):
            race.step(torch.tensor([step % 7, 0]), upstream)
        before = curious.ours.weight.detach().clone()
        first = curious.ours.prepare(torch.arange(8)).values.detach().clone()
        assert torch.equal(curious.ours.prepare(torch.arange(8)).values.sort(0)[0], first.sort(0)[0])
        assert torch.equal(curious.ours.weight, before)
    plain.ours.catch_up_all()
    curious.ours.catch_up_all()
    assert torch.equal(plain.ours.weight, curious.ours.weight)


def test_catching_up_twice_is_catching_up_once() -> None:
    race = Race.adam(8)
    random_steps(race, torch.full((8,), 0.2), torch.ones(8, dtype=torch.float64), 50, seed=0)
    race.ours.catch_up_all()
    once = race.ours.weight.detach().clone()
    race.ours.catch_up_all()
    assert torch.equal(race.ours.weight, once)


def test_catching_up_in_pieces_is_catching_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, pieces = Race.adam(40), Race.adam(40)
    for race in (whole, pieces):
        random_steps(race, torch.full((40,), 0.1), torch.ones(40, dtype=torch.float64), 60, seed=0)
    whole.ours.catch_up_all()
    monkeypatch.setattr("mtlbench.training.embeddings.algorithms.CATCH_UP_ELEMENTS", 7 * WIDTH)
    monkeypatch.setattr("mtlbench.training.embeddings.catch_up.CACHE_ELEMENTS", 2 * WIDTH)
    pieces.ours.catch_up_all()
    assert difference(whole.ours.weight, pieces.ours.weight) <= 1e-15


def test_a_new_learning_rate_holds_from_the_next_step_on() -> None:
    race = Race.adam(8)
    scale, probability = torch.ones(8, dtype=torch.float64), torch.full((8,), 0.1)
    random_steps(race, probability, scale, 100, seed=0)
    race.ours.lr = race.torch_optimiser.param_groups[0]["lr"] = 1e-4
    random_steps(race, probability, scale, 100, seed=1)
    assert race.distance() <= TOLERANCE * 1e-3


@pytest.mark.parametrize("name", sorted(EMBEDDING_OPTIMISERS))
def test_a_checkpoint_continues_bit_for_bit(name: str) -> None:
    def run(optimiser: EmbeddingOptimiser, begin: int, end: int) -> None:
        for step in range(begin, end):
            random = generator(step)
            index = torch.randint(0, 30, (4,), generator=random)
            rows = optimiser.prepare(index)
            (rows.values[rows.position] * torch.randn(4, WIDTH, generator=random)).sum().backward()
            optimiser.step()

    first = embedding_optimiser(name, nn.Parameter(torch.randn(30, WIDTH, generator=generator(1))), 1e-2)
    run(first, 0, 40)
    file = io.BytesIO()
    torch.save({"weight": first.weight.detach(), "optimiser": first.state_dict()}, file)
    run(first, 40, 90)
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    second = embedding_optimiser(name, nn.Parameter(saved["weight"]), 1e-2)
    second.load_state_dict(saved["optimiser"])
    run(second, 40, 90)
    first.catch_up_all()
    second.catch_up_all()
    assert torch.equal(first.weight, second.weight)


@pytest.mark.parametrize("distinct", [True, False])
def test_sparse_adam_is_torchs(distinct: bool) -> None:
    dense = nn.Parameter(torch.randn(20, WIDTH, dtype=torch.float64, generator=generator(1)))
    ours = EmbeddingSparseAdam(nn.Parameter(dense.detach().clone()), 1e-2)
    ours.distinct = distinct
    theirs = torch.optim.SparseAdam([dense], lr=1e-2)
    for step in range(60):
        index = torch.randint(0, 20, (5,), generator=generator(step))
        upstream = torch.randn(5, WIDTH, dtype=torch.float64, generator=generator(step))
        rows = ours.prepare(index)
        (rows.values[rows.position] * upstream).sum().backward()
        ours.step()
        theirs.zero_grad()
        (F.embedding(index, dense, sparse=True) * upstream).sum().backward()
        theirs.step()
    assert difference(ours.weight, dense) <= 1e-14


def test_rare_rows_move_far_less_under_sparse_adam() -> None:
    moved = {}
    for name in ("adam", "sparse-adam"):
        optimiser = embedding_optimiser(name, nn.Parameter(torch.zeros(2, 1)), 1e-3)
        for step in range(1300):
            rows = optimiser.prepare(torch.tensor([0, 1] if step in {499, 999} else [0]))
            rows.values.sum().backward()
            optimiser.step()
        optimiser.catch_up_all()
        moved[name] = optimiser.weight[1].abs().item()
    assert moved["sparse-adam"] < 0.2 * moved["adam"]


def test_rowwise_adagrad_of_width_one_is_adagrad() -> None:
    dense = nn.Parameter(torch.randn(20, 1, dtype=torch.float64, generator=generator(1)))
    ours = RowwiseAdagrad(nn.Parameter(dense.detach().clone()))
    theirs = torch.optim.Adagrad([dense], lr=1e-2)
    for step in range(60):
        index = torch.randint(0, 20, (5,), generator=generator(step))
        upstream = torch.randn(5, 1, dtype=torch.float64, generator=generator(step))
        rows = ours.prepare(index)
        (rows.values[rows.position] * upstream).sum().backward()
        ours.step()
        theirs.zero_grad()
        (F.embedding(index, dense) * upstream).sum().backward()
        theirs.step()
    assert difference(ours.weight, dense) <= 1e-14


def test_rowwise_adagrad_scales_a_row_by_its_root_mean_square() -> None:
    ours = RowwiseAdagrad(nn.Parameter(torch.zeros(1, 4, dtype=torch.float64)), lr=0.1)
    gradient = torch.tensor([3.0, 1.0, -2.0, 0.0], dtype=torch.float64)
    rows = ours.prepare(torch.tensor([0]))
    (rows.values * gradient).sum().backward()
    ours.step()
    torch.testing.assert_close(ours.weight[0], -0.1 * gradient / gradient.square().mean().sqrt())


@pytest.mark.parametrize(
    ("betas", "tolerance"), [((0.9, 0.999), 1e-7), ((0.9, 0.99), 1e-6), ((0.5, 0.9), 1e-7), ((0.0, 0.999), 1e-12)]
)
def test_the_closed_form_is_the_sum_of_the_missed_steps(betas: tuple[float, float], tolerance: float) -> None:
    root = torch.logspace(-16, 2, 37, dtype=torch.float64).unsqueeze(1)
    catch_up = CatchUp(betas, 1e-8, root)
    for last in (1, 3, 10, 100, 2000, 60000):
        m, v, expected = root.clone(), root.square(), torch.zeros_like(root)
        for missed in range(1, 1001):
            m, v = m * betas[0], v * betas[1]
            correction1, correction2 = 1 - betas[0] ** (last + missed), 1 - betas[1] ** (last + missed)
            expected -= m / correction1 / (v.sqrt() / correction2**0.5 + 1e-8)
            if missed in {1, 2, 20, 300, 1000}:
                weight, moment1, moment2 = torch.zeros_like(root), root.clone(), root.square()
                since = torch.full((37,), last)
                catch_up.advance(weight, moment1, moment2, since, last + missed, lr=1.0)
                assert difference(weight, expected) <= tolerance
                torch.testing.assert_close(moment1, m, rtol=1e-10, atol=1e-25)
                torch.testing.assert_close(moment2, v, rtol=1e-10, atol=1e-25)


def test_bad_settings_are_named() -> None:
    table = nn.Parameter(torch.zeros(3, 2))
    with pytest.raises(UsageError, match=r"betas \(0.999, 0.9\)"):
        EmbeddingAdam(table, betas=(0.999, 0.9))
    with pytest.raises(UsageError, match="eps 0"):
        EmbeddingAdam(table, eps=0.0)
    with pytest.raises(UsageError, match="float16"):
        EmbeddingAdam(nn.Parameter(torch.zeros(3, 2, dtype=torch.float16)))
    with pytest.raises(UsageError, match=r"'adm'.*did you mean 'adam'"):
        embedding_optimiser("adm", table, 1e-3)


def test_the_state_of_another_table_is_refused() -> None:
    other = EmbeddingAdam(nn.Parameter(torch.zeros(4, 2))).state_dict()
    with pytest.raises(UsageError, match="for another table"):
        EmbeddingAdam(nn.Parameter(torch.zeros(3, 2))).load_state_dict(other)
    with pytest.raises(UsageError, match="another optimiser"):
        RowwiseAdagrad(nn.Parameter(torch.zeros(4, 2))).load_state_dict(other)


def test_a_step_without_a_gradient_is_an_error() -> None:
    optimiser = EmbeddingAdam(nn.Parameter(torch.zeros(3, 2)))
    with pytest.raises(RuntimeError, match="prepare"):
        optimiser.step()
    optimiser.prepare(torch.tensor([1]))
    with pytest.raises(RuntimeError, match="backward"):
        optimiser.step()
