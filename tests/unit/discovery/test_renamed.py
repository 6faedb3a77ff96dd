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


def test_a_weighting_that_is_set_up_with_the_trainer_is_told_of_the_setting():
    with pytest.raises(TypeError, match=r"Mine\.setup\(trainer\) has a new argument: write setup\(setting\)"):
        type("Mine", (api.Weighting,), {"setup": lambda self, trainer: None})


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        ("schema", r"setting\.schema has a new name: use setting\.tasks"),
        ("data", r"setting\.data has a new name: use setting\.train, and setting\.device"),
        ("backbone", r"setting has no 'backbone'; only fit\(trainer\) sees the trainer"),
    ],
)
def test_what_the_trainer_had_and_the_setting_has_not_is_named(old: str, reason: str):
    with pytest.raises(AttributeError, match=reason):
        getattr(api.Setting([api.Task("click")]), old)


def test_a_setting_without_a_training_split_or_losses_says_so():
    setting = api.Setting([api.Task("click")])
    with pytest.raises(api.UsageError, match=r"reads the training split, and a loop of one's own has none"):
        _ = setting.train
    with pytest.raises(api.UsageError, match="reads the losses after a step"):
        setting.losses(object())  # type: ignore[arg-type]
