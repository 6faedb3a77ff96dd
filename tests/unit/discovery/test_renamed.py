"""A plugin written for an older interface is told the new name."""

import pytest

from mtlbench import api
from mtlbench.training import BackboneTrainer


def test_a_name_of_the_api_names_its_successor():
    with pytest.raises(ImportError, match=r"mtlbench\.api\.Lender has a new name: use SourceCheckpoint"):
        from mtlbench.api import Lender  # noqa: F401
    with pytest.raises(AttributeError, match=r"mtlbench\.api has no 'Lendr'"):
        _ = api.Lendr


@pytest.mark.parametrize(("old", "new"), [("start", "warm_start"), ("lender", "source")])
def test_a_weighting_that_defines_an_old_method_is_refused(old: str, new: str):
    with pytest.raises(TypeError, match=rf"Mine\.{old} has a new name: use {new}"):
        type("Mine", (api.Weighting,), {old: lambda self: None})


@pytest.mark.parametrize(("old", "new"), [("start", "warm_start"), ("lender", "source")])
def test_a_weighting_that_inherits_an_old_method_is_refused(old: str, new: str):
    mixin = type("Mixin", (), {old: lambda self: None})
    with pytest.raises(TypeError, match=rf"Mine\.{old} has a new name: use {new}"):
        type("Mine", (mixin, api.Weighting), {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("once", "run_once"),
        ("report", "log_scalar"),
        ("series", "log_series"),
        ("borrow", "reuse"),
        ("lender", "source_checkpoint"),
    ],
)
def test_an_old_method_of_the_trainer_names_its_successor(old: str, new: str):
    trainer = object.__new__(BackboneTrainer)
    with pytest.raises(AttributeError, match=rf"trainer\.{old} has a new name: use {new}"):
        getattr(trainer, old)
