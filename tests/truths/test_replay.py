"""Steps of task gradients that are replayed equal those taken pass by pass.

A CPU replays by doing the recorded work once more and writing its results over those of before, as a CUDA graph does.
All else is what a GPU runs.
"""

import warnings
from collections.abc import Callable, Sequence

import pytest
import torch
from small_splits import small_schema, small_splits
from tiny_backbones import params_of
from torch import Tensor

from mtlbench.api import Field, Setting, Splits, Step, Weighting
from mtlbench.cells import PluginSpec, Training
from mtlbench.discovery import discover
from mtlbench.training import recorders
from mtlbench.training.embeddings.base import EmbeddingOptimiser
from mtlbench.training.gradients import by_task
from mtlbench.training.model import Model
from mtlbench.training.recorders import Recorded, Work
from mtlbench.training.seeding import derive, seeded
from mtlbench.training.stage import Batches
from mtlbench.training.update import WeightedUpdate

CATALOGUE = discover(())
ROWS, BATCH, STEPS, FEW = 170, 20, 50, 12
"""Each ninth batch is smaller than the others."""
SMALLER = STEPS // 9
SIZES = {"embedding": 8, "bottom": (16, 8), "tower": (4,)}
METHODS = ("pcgrad", "gradnorm", "nash-mtl", "graddrop", "adatask", "db-mtl")
"""Weights, learnt weights, a solver, a direction, a direction without an optimiser, and gradients that are kept."""


class Again:
    """A recorder for a CPU, which counts what it replays."""

    def __init__(self) -> None:
        self.replays = 0

    def __call__(self, works: Sequence[Work]) -> list[Recorded]:
        for work in works:
            self._done(work)
        return [self._recorded(work) for work in works]

    def _done(self, work: Work) -> Sequence[Tensor]:
        """Kernels do not ask, as autograd does, whether a buffer was put back since the forward pass."""
        with torch.autograd.graph.saved_tensors_hooks(Tensor.detach, lambda saved: saved):
            return work()

    def _recorded(self, work: Work) -> Recorded:
        outputs = [output.detach().clone() for output in self._done(work)]

        def again() -> None:
            self.replays += 1
            for output, made in zip(outputs, self._done(work), strict=True):
                output.copy_(made.detach())

        return Recorded(again, outputs)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Again:
    """A CPU that goes backward as a GPU does: task by task, and from a row of a table for each place that reads it."""
    again = Again()
    monkeypatch.setitem(recorders.RECORDERS, "cpu", again)
    monkeypatch.setattr("mtlbench.training.update.StackedPasses", lambda: by_task)
    monkeypatch.setattr(EmbeddingOptimiser, "distinct", property(lambda table: False, lambda table, given: None), False)
    return again


def splits_of(tasks: int) -> Splits:
    fields = (Field("user", 400), Field("item", 50), Field("hour", 4))
    return small_splits(small_schema(tuple("abcdef"[:tasks]), categorical=fields), ROWS)


def trained(
    weighting: str | Weighting,
    splits: Splits,
    backbone: str = "shared-bottom",
    *,
    replayed: bool = True,
    steps: int = FEW,
    **settings: object,
) -> dict[str, Tensor]:
    """Parameters, buffers and weights after some steps."""
    cls = CATALOGUE.get("backbone", backbone).cls
    with seeded(0, "initial parameters"):
        network = cls(splits.schema, params_of(cls, {**SIZES, "norm": "batch"}))
    network.replayable &= replayed
    named = isinstance(weighting, str)
    method = CATALOGUE.create("weighting", PluginSpec(weighting, {})) if named else weighting
    training = Training(batch_size=BATCH, weight_decay=0.01, embedding_dropout=0.1, **settings)
    model = Model(network, splits, training, dense="parameters" in method.needs)
    with seeded(0, "weighting"):
        update = WeightedUpdate(method, Setting(splits.schema.tasks, "cpu", 1e-3, splits.train), model)
        batches = Batches(ROWS, BATCH, 0, torch.device("cpu"))
        all_rows = [rows for epoch in range(1, 7) for rows in batches.epoch("train", epoch)][:steps]
        for number, rows in enumerate(all_rows):
            state = torch.get_rng_state()
            torch.manual_seed(derive(0, number))
            update.step(rows)
            torch.set_rng_state(state)
    model.infer(splits.validation)
    return {**network.state_dict(), **update.state_dict()}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []


@pytest.mark.parametrize("tasks", [pytest.param(2, marks=pytest.mark.slow), 6])
@pytest.mark.parametrize("weighting", METHODS)
def test_fifty_replayed_steps_are_fifty_plain_ones(weighting: str, tasks: int, recorder: Again):
    """With dropout, also of embeddings, normalisation and decay; tables row by row or, if a method asks, whole."""
    splits = splits_of(tasks)
    expected = trained(weighting, splits, replayed=False, steps=STEPS)
    assert recorder.replays == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = trained(weighting, splits, steps=STEPS)
    assert recorder.replays == 2 * (STEPS - 1 - SMALLER)
    assert_same(found, expected)


class Keeps(Weighting):
    """Remembers the gradients of each step."""

    name, label = "keeps", "Keeps"
    needs = frozenset({"jacobian"})

    def setup(self, setting: Setting) -> None:
        self.kept: list[tuple[Tensor, Tensor]] = []

    def weigh(self, step: Step) -> Tensor:
        self.kept += [(gradient, gradient.clone()) for gradients in step.jacobian.values() for gradient in gradients]
        return torch.ones(2)


def test_a_method_may_keep_what_it_was_given(recorder: Again):
    method = Keeps(Keeps.Params())
    trained(method, splits_of(2))
    assert recorder.replays == 2 * (FEW - 2)
    assert all(torch.equal(gradient, then) for gradient, then in method.kept)


def test_in_bfloat16_too(recorder: Again):
    splits = splits_of(2)
    found = trained("mgda", splits, precision="bfloat16")
    assert recorder.replays == 2 * (FEW - 2)
    assert_same(found, trained("mgda", splits, replayed=False, precision="bfloat16"))


@pytest.mark.parametrize(("weighting", "backbone"), [("modo", "shared-bottom"), ("pcgrad", "snr-trans")])
def test_what_begins_elsewhere_is_not_replayed(weighting: str, backbone: str, recorder: Again):
    """Thirds of a batch go backward by themselves, and a penalty from within the pass."""
    trained(weighting, splits_of(2), backbone)
    assert recorder.replays == 0


def test_batches_of_another_shape_are_not_replayed(recorder: Again, monkeypatch: pytest.MonkeyPatch):
    """With distinct rows alone, each batch reads another number of them."""
    monkeypatch.setattr(EmbeddingOptimiser, "distinct", property(lambda table: True, lambda table, given: None), False)
    splits = splits_of(2)
    expected = trained("pcgrad", splits, replayed=False)
    assert_same(trained("pcgrad", splits), expected)
    assert recorder.replays < FEW


def refused(works: Sequence[Work]) -> list[Recorded]:
    for work in works:
        work()
    raise RuntimeError("operation not permitted when stream is capturing")


def stale(works: Sequence[Work]) -> list[Recorded]:
    return [Recorded(lambda: None, [output.detach() for output in work()]) for work in works]


@pytest.mark.parametrize(
    ("record", "reason"),
    [(refused, "operation not permitted when stream is capturing"), (stale, "they gave other results")],
)
def test_what_cannot_be_replayed_goes_on_without_and_says_so_once(
    recorder: Again, monkeypatch: pytest.MonkeyPatch, record: Callable[..., list[Recorded]], reason: str
):
    splits = splits_of(2)
    expected = trained("pcgrad", splits, replayed=False)
    monkeypatch.setitem(recorders.RECORDERS, "cpu", record)
    with pytest.warns(RuntimeWarning, match=reason) as said:
        found = trained("pcgrad", splits)
    assert len(said) == 1
    assert_same(found, expected)


def test_a_gpu_records():
    assert recorders.RECORDERS["cuda"] is recorders.cuda_graphs
