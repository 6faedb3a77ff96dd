"""What a benchmark makes of the turns of its workers, which are made up here."""

from collections.abc import Callable
from typing import Any

import pytest

from mtlbench.benchmarking import Measurement, Unmeasured, measure, measuring
from mtlbench.benchmarking.interleaved import Turn
from mtlbench.benchmarking.peers import Peer
from mtlbench.cells import PluginSpec, Training
from mtlbench.config.specs import resolve, resolve_texts
from mtlbench.discovery import discover
from mtlbench.errors import TrainingError, UsageError

CATALOGUE = discover(())
SECONDS = {"our_training": 0.1, "public_training": 0.2, "products": 0.01, "peer_training": 0.4}


class MadeUp:
    """A worker whose steps take as long as SECONDS says, and half of that by the processor."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._seconds = SECONDS[work.__name__]
        self._fails = any(
            (isinstance(each, Peer) and each.package == "LibMTL")
            or (isinstance(each, PluginSpec) and each.name == "mgda")
            for each in arguments
        )

    def take_turn(self, steps: int) -> Turn:
        if self._fails:
            raise TrainingError("AttributeError: no symeig")
        return Turn([self._seconds] * steps, [self._seconds / (2 if self._seconds < 0.4 else 1)] * steps, 7.0)

    def __enter__(self) -> "MadeUp":
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Several(MadeUp):
    def __init__(self, number: int, work: Callable[..., None], *arguments: Any) -> None:
        super().__init__(work, *arguments)
        self._number = number

    def take_turn(self, steps: int) -> Any:
        return [super().take_turn(steps)] * self._number


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "InterleavedWorker", MadeUp)
    monkeypatch.setattr(measuring, "SimultaneousWorkers", Several)
    monkeypatch.setattr(measuring, "libraries", lambda method: ["torchjd", "LibMTL"] if "gram" in method.needs else [])
    monkeypatch.setattr(measuring, "peer", lambda package, *_: Peer(package, "PCGrad", {}))


def measured(*weightings: str, **settings: Any) -> list[Measurement | Unmeasured]:
    backbone = resolve(CATALOGUE, "backbone", "shared-bottom", {}, "quick")
    plan = resolve_texts(CATALOGUE, "weighting", weightings, "quick")
    return [*measure([backbone], plan, Training(batch_size=100), steps=6, **settings)]


def test_a_method_of_gradients_has_a_row_beside_each_library_and_others_have_none() -> None:
    constant, left_out, plain, library = measured("constant", "pcgrad")
    assert isinstance(left_out, Unmeasured)
    assert (left_out.weighting, left_out.reason) == ("pcgrad beside LibMTL", "AttributeError: no symeig")
    rows = [row for row in (constant, plain, library) if isinstance(row, Measurement)]
    assert [(row.weighting, row.reference.partition(" ")[0]) for row in rows] == [
        ("constant", "public"),
        ("pcgrad", "public"),
        ("pcgrad", "torchjd"),
    ]
    assert [row.rows_per_second for row in rows] == pytest.approx([1000] * 3)
    assert [row.reference_rows_per_second for row in rows] == pytest.approx([500, 500, 250])
    assert [row.ratio for row in rows] == pytest.approx([2, 2, 4])


def test_a_weighting_that_fails_is_left_out_and_the_others_are_measured() -> None:
    failed, constant = measured("mgda", "constant")
    assert isinstance(failed, Unmeasured)
    assert (failed.weighting, failed.reason) == ("mgda", "AttributeError: no symeig")
    assert isinstance(constant, Measurement)


def test_processor_time_takes_the_place_of_the_clock() -> None:
    *_, library = measured("pcgrad", processor_time=True)
    assert isinstance(library, Measurement)
    assert (library.rows_per_second, library.ratio) == pytest.approx((2000, 8))


def test_several_jobs_are_counted_together() -> None:
    (row,) = measured("constant", jobs=3)
    assert isinstance(row, Measurement)
    assert (row.rows_per_second, row.ratio, row.peak_memory_mib) == pytest.approx((3000, 6, 21))


@pytest.mark.parametrize("settings", [{"jobs": 2}, {"threads": 2}, {"device": "cuda"}])
def test_processor_time_of_several_threads_or_of_a_gpu_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="processor time compares trainings on a CPU, of one thread and one job each"):
        measured("constant", processor_time=True, **settings)
