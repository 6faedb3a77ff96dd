"""Which settings trials have."""

import math
from pathlib import Path

import pytest
from plugin_sources import write

from mtlbench.api.search import Choice, Linear, Mapped
from mtlbench.config.space import COMMON, Space
from mtlbench.config.space_file import read_space
from mtlbench.config.specs import Resolved, resolve
from mtlbench.discovery import discover
from mtlbench.errors import UsageError

CATALOGUE = discover(())


def plugin(kind: str, name: str, **params: object) -> Resolved:
    return resolve(CATALOGUE, kind, name, params, "compact")


MMOE = plugin("backbone", "mmoe")
SPACE = Space("compact")


def test_trial_0_has_the_settings_of_the_study() -> None:
    assert SPACE.trial(0, 0, MMOE, plugin("weighting", "rmtl"), 2).empty


@pytest.mark.parametrize("name", sorted(CATALOGUE.weightings))
def test_trial_j_has_the_same_common_settings_for_every_method(name: str) -> None:
    weighting = plugin("weighting", name)
    for number in range(1, 6):
        constant = SPACE.trial(number, 3, MMOE, plugin("weighting", "constant"), 3)
        own = SPACE.trial(number, 3, plugin("backbone", "ple"), weighting, 3)
        assert own.training == constant.training
        assert own.backbone == constant.backbone
        resolve(CATALOGUE, "weighting", name, own.weighting, "compact")  # the plugin takes them


def test_a_trial_depends_on_its_number_and_the_seed_of_the_search_alone() -> None:
    rmtl = plugin("weighting", "rmtl")
    first = [SPACE.trial(number, 0, MMOE, rmtl, 2) for number in range(9)]
    assert [SPACE.trial(number, 0, MMOE, rmtl, 2) for number in reversed(range(9))] == first[::-1]
    others = [SPACE.trial(number, 1, MMOE, rmtl, 2) for number in range(9)]
    assert others[0] == first[0]
    assert all(one != other for one, other in zip(first[1:], others[1:], strict=True))


def test_what_the_user_has_set_is_not_searched_and_moves_nothing_else() -> None:
    free = SPACE.trial(4, 0, MMOE, plugin("weighting", "famo"), 2)
    kept = plugin("weighting", "famo", learning_rate=0.025)  # even at its default
    fixed = Space("compact", frozenset({"learning_rate"})).trial(4, 0, plugin("backbone", "mmoe", dropout=0.1), kept, 2)
    assert {**fixed.training, "learning_rate": free.training["learning_rate"]} == dict(free.training)
    assert fixed.backbone == {"embedding": free.backbone["embedding"]}
    assert fixed.weighting == {"weight_decay": free.weighting["weight_decay"]}


def test_points_cover_each_dimension_evenly() -> None:
    rates = [
        SPACE.trial(j, 0, MMOE, plugin("weighting", "constant"), 2).training["learning_rate"] for j in range(1, 17)
    ]
    sixteenths = {int(8 * (math.log10(rate) + 4)) for rate in rates}  # of the two decades
    assert len(sixteenths) == 16


def test_scalarization_starts_at_weights_of_one_and_constant_at_its_defaults() -> None:
    assert SPACE.has_own_start(plugin("weighting", "scalarization"), 3)
    assert not SPACE.has_own_start(plugin("weighting", "constant"), 3)
    assert SPACE.trial(0, 0, MMOE, plugin("weighting", "scalarization"), 3).weighting == {"weights": (1.0, 1.0, 1.0)}


def test_a_file_changes_adds_and_leaves_out_ranges(tmp_path: Path) -> None:
    text = """
    [common]
    learning_rate = {low = 1e-3, high = 2e-3, scale = "log"}
    dropout = "default"
    min_count = {choice = [1, 5]}
    [backbone.mmoe]
    experts = {choice = [2, 3]}
    [weighting.rmtl]
    lambda = "default"
    """
    space = Space("compact", overrides=read_space(write(tmp_path, "space.toml", text), CATALOGUE))
    for number in range(1, 9):
        setting = space.trial(number, 0, MMOE, plugin("weighting", "rmtl"), 2)
        assert 1e-3 <= setting.training["learning_rate"] <= 2e-3
        assert setting.training["min_count"] in {1, 5}
        assert setting.backbone.keys() == {"embedding", "experts"}
        assert setting.weighting.keys() == {"gamma", "tau"}
    assert space.described(MMOE, plugin("weighting", "rmtl"), 2)["mmoe.experts"] == "2 | 3"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[comon]\n", "did you mean 'common'"),
        ("[common]\nlearning_rte = 'default'", "did you mean 'learning_rate'"),
        ("[common]\nlearning_rate = 3", "is no range; write"),
        ("[common]\nlearning_rate = {low = 2, high = 1}", "from a number to a larger one"),
        ("[common]\nlearning_rate = {low = 0, high = 1, scale = 'log'}", "begins above 0"),
        ("[common]\nlearning_rate = {low = true, high = 3}", "is no range; write"),
        ("[common]\nlearning_rate = {low = '0.1', high = 3}", "is no range; write"),
        (f"[common]\nlearning_rate = {[0.1] * 3000}", r"0\.1, is no range"),
        (f"[common]\ndropout = {{choice = {[0.123456] * 200}}}", "more values than can be recorded"),
        ("[backbone.mmoe]\ndropout = {low = 0.1, high = 0.2}", r"write it under \[common\]"),
        ("[weighting.rmlt]\n", "did you mean 'rmtl'"),
        ("[weighting.rmtl]\nlamda = 'default'", "did you mean 'lambda'"),
        ("weighting = 3", "must hold tables"),
        ("[common", "no TOML"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_space(write(tmp_path, "space.toml", text), CATALOGUE)


def test_more_parameters_than_dimensions_are_refused() -> None:
    with pytest.raises(UsageError, match="more searched parameters than there are dimensions"):
        SPACE.trial(1, 0, MMOE, plugin("weighting", "scalarization"), 60)


def test_a_range_whose_function_fails_is_named() -> None:
    ranges = {"weighting": {"rmtl": {"lambda": Mapped(Linear(0, 1), lambda x, tasks: x / 0, "x / 0")}}}
    with pytest.raises(UsageError, match="weighting parameter lambda is searched raises ZeroDivisionError"):
        Space("compact", overrides=ranges).trial(1, 0, MMOE, plugin("weighting", "rmtl"), 2)


def test_values_of_a_choice_are_shown_as_they_are_typed() -> None:
    assert str(Choice((64, 32), (), None, True, 0.5)) == "64-32 | () | none | true | 0.5"


def test_every_common_setting_can_be_searched() -> None:
    space = Space("compact", overrides={"common": {"": {name: Linear(0.1, 0.2) for name in COMMON}}})
    setting = space.trial(1, 0, MMOE, plugin("weighting", "constant"), 2)
    assert {*setting.training, *setting.backbone} == {*COMMON}
