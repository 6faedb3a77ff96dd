"""Methods of other libraries in the reference loop: which they are, and that they go where ours goes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from wide_splits import small_backbone, wide_splits

from mtlbench import Weigher
from mtlbench.api import NoParams, UsageError, Weighting
from mtlbench.benchmarking.peers import libraries, peer
from mtlbench.benchmarking.public_style import in_public_style
from mtlbench.config.specs import resolve_texts
from mtlbench.discovery import discover

CATALOGUE = discover(())
SAME = {
    "torchjd": ("pcgrad", "mgda", "upgrad", "aligned-mtl", "imtl-g", "gradvac"),
    "LibMTL": ("pcgrad", "mgda", "upgrad", "gradvac"),  # its Aligned_MTL calls a function that torch no longer has
}
PAIRS = [(package, name) for package, names in SAME.items() for name in names]


def weighting(text: str) -> Weighting:
    (found,) = resolve_texts(CATALOGUE, "weighting", [text], "quick")
    return found.create()


@pytest.mark.parametrize(("package", "name"), PAIRS)
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
def test_the_shared_parameters_get_the_direction_of_ours(package: str, name: str, backbone: str) -> None:
    pytest.importorskip(package, reason=f"{package} cannot be imported")
    data = wide_splits()
    batch, labels = data.train.inputs[:64], data.train.labels[:64]
    ours = small_backbone(backbone, data, dropout=0.0)
    public = in_public_style(ours)
    found = peer(package, weighting(name), 2)
    assert found is not None
    method = found.of(public, data.train.inputs)

    def losses(columns: Sequence[Tensor]) -> list[Tensor]:
        return [F.binary_cross_entropy_with_logits(column, labels[:, k]) for k, column in enumerate(columns)]

    Weigher(name, 2).backward(losses(ours(batch).unbind(1)))
    method.backward(losses(method.logits(public, batch)))
    towers = [key for key, _ in ours.named_parameters() if key.startswith(("towers", "gates"))]
    for keys in (towers, [key for key, _ in ours.named_parameters() if key not in towers]):
        own, theirs = (
            torch.cat([network.get_parameter(key).grad.flatten() for key in keys]) for network in (ours, public)
        )
        torch.testing.assert_close(theirs / theirs.norm(), own / own.norm(), atol=1e-3, rtol=0.0)


def test_methods_at_the_representation_of_losses_and_of_thirds_have_no_library() -> None:
    for text in ("pcgrad[at=representation]", "constant", "rlw", "modo"):
        assert libraries(weighting(text)) == []


class Fake(Weighting):
    name, label, needs = "fake-method", "Fake-Method", frozenset({"gram"})

    class Params(NoParams):
        c: float = 0.5

    def weigh(self, step: Any) -> Tensor:
        return torch.ones(2)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes a package called LibMTL whose module of methods has the given source."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "LibMTL"]:
        monkeypatch.delitem(sys.modules, name)

    def write(source: str) -> None:
        (tmp_path / "LibMTL").mkdir()
        (tmp_path / "LibMTL" / "__init__.py").touch()
        (tmp_path / "LibMTL" / "weighting.py").write_text(source)

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "LibMTL"]:
        del sys.modules[name]


def test_the_published_name_decides_and_the_class_gets_what_it_must_have(stand_in: Callable[[str], None]) -> None:
    stand_in("class FAKE_method:\n    def __init__(self, c, n_tasks, beta=1): ...\nclass Fake: ...")
    found = peer("LibMTL", Fake(Fake.Params()), 3)
    assert found is not None
    assert (found.name, found.arguments, found.label) == ("FAKE_method", {"c": 0.5, "n_tasks": 3}, "LibMTL")
    assert "LibMTL" in libraries(Fake(Fake.Params()))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_package", "LibMTL cannot be imported: ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise RuntimeError('made for another torch')", "LibMTL cannot be imported: RuntimeError: made for another"),
        ("1 +", "LibMTL cannot be imported: SyntaxError: invalid syntax"),
        ("raise SystemExit('usage: trainer')", "LibMTL cannot be imported: SystemExit: usage: trainer"),
        ("class FakeMethod:\n    def __init__(self, radius): ...", "LibMTL's FakeMethod asks for radius"),
        ("class FakeMethod(map): ...", "LibMTL's FakeMethod has no signature"),
    ],
)
def test_why_a_library_is_left_out(stand_in: Callable[[str], None], source: str, message: str) -> None:
    stand_in(source)
    with pytest.raises(UsageError, match=message):
        peer("LibMTL", Fake(Fake.Params()), 2)


def test_a_class_need_not_be_given_what_it_only_accepts(stand_in: Callable[[str], None]) -> None:
    stand_in("class FakeMethod:\n    def __init__(self, c, *more, **others): ...")
    found = peer("LibMTL", Fake(Fake.Params()), 2)
    assert found is not None
    assert found.arguments == {"c": 0.5}


def test_a_library_without_the_method(stand_in: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    stand_in("class Fake: ...\nfake_method = 1\nprint('Thank you!')")
    assert peer("LibMTL", Fake(Fake.Params()), 2) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("ple", "PLE shares parameters above the representation that it names"),
        ("esmm", "does not put logits of its tasks side by side"),
    ],
)
def test_backbones_that_torchjd_cannot_take_in_the_same_way_say_why(backbone: str, message: str) -> None:
    pytest.importorskip("torchjd", reason="torchjd cannot be imported")
    data = wide_splits()
    public = in_public_style(small_backbone(backbone, data))
    found = peer("torchjd", weighting("pcgrad"), 2)
    assert found is not None
    method = found.of(public, data.train.inputs)
    with pytest.raises(UsageError, match=message):
        method.backward([logits.mean() for logits in method.logits(public, data.train.inputs[:16])])
