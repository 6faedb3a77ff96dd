"""From specs to validated parameters: crossing, presets, what was changed, and errors."""

from pathlib import Path

import pytest
from plugin_sources import BACKBONE, weighting, write

from mtlbench.config.parameters import parameter_rows
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.specs import Resolved, resolve, resolve_recorded, resolve_texts
from mtlbench.discovery import Catalogue, discover
from mtlbench.errors import UsageError

PARAMS = """
lambda_: float = Field(0.7, ge=0, le=1, alias="lambda")
gamma: float = Field(0.9, ge=0, lt=1)
rates: tuple[float, ...] = (0.5,)
clock: str = Field("step", pattern="step|epoch")
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder: Path = tmp_path_factory.mktemp("plugins")
    return discover(
        [
            write(folder, "mine.py", weighting("mine", params=PARAMS)),
            write(folder, "net.py", BACKBONE.format(name="net")),
        ]
    )


def one(catalogue: Catalogue, kind: str, text: str, preset: PresetName = "quick") -> Resolved:
    [resolved] = resolve_texts(catalogue, kind, [text], preset)
    return resolved


def test_values_are_crossed_in_the_order_they_are_written(catalogue: Catalogue) -> None:
    found = resolve_texts(catalogue, "weighting", ["mine[lambda=0.5|0.7,gamma=0.1|0.2]"], "quick")
    assert [(r.spec.params["lambda"], r.spec.params["gamma"]) for r in found] == [
        (0.5, 0.1),
        (0.5, 0.2),
        (0.7, 0.1),
        (0.7, 0.2),
    ]


def test_a_spec_has_every_parameter_by_its_public_name_as_json(catalogue: Catalogue) -> None:
    resolved = one(catalogue, "weighting", "mine[rates=1-2]")
    assert resolved.spec.params == {"lambda": 0.7, "gamma": 0.9, "rates": [1.0, 2.0], "clock": "step"}
    assert resolved.changed == {"rates": [1.0, 2.0]}
    assert resolved.create().params.rates == (1.0, 2.0)


@pytest.mark.parametrize("text", ["mine", "mine[lambda=0.7]", "mine[lambda=.70,gamma=9e-1]", "mine[rates=0.5]"])
def test_equal_meaning_gives_an_equal_spec(catalogue: Catalogue, text: str) -> None:
    resolved = one(catalogue, "weighting", text)
    assert resolved.spec == one(catalogue, "weighting", "mine").spec
    assert resolved.changed == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mine[lambda=2]", "weighting mine: parameter lambda = 2 is out of range: must be less than or equal to 1"),
        ("mine[gamma=1]", "parameter gamma = 1 is out of range: must be less than 1"),
        ("mine[gamma=x]", "parameter gamma = x is invalid: must be a valid number"),
        ("mine[gamma=nan]", "parameter gamma = nan is out of range: must be a finite number"),
        ("mine[rates=1-x]", "parameter rates = 1-x is invalid"),
        ("mine[clock=hour]", "parameter clock = hour is invalid"),
        ("mine[lambda=2,gamma=3]", "lambda = 2 .*; parameter gamma = 3"),
        ("mine[lamda=1]", r"weighting mine: unknown parameter 'lamda': did you mean 'lambda'\?"),
        ("mine[lambda_=1]", "unknown parameter 'lambda_'"),
        ("mien", r"unknown weighting 'mien': did you mean 'mine'\?"),
        ("mine,mine", "given twice"),
        ("mine[lambda=0.5|.5]", r"mine\[lambda=.5\] is given twice"),
        ("mine,mine[lambda=0.7]", "given twice"),
        ("all[lambda=1]", "takes no parameters"),
    ],
)
def test_refusals(catalogue: Catalogue, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        one(catalogue, "weighting", text)


def test_all_adds_what_is_not_named(catalogue: Catalogue) -> None:
    found = resolve_texts(catalogue, "weighting", ["mine[lambda=0.1]", "all"], "quick")
    names = [resolved.entry.name for resolved in found]
    assert names[0] == "mine"
    assert names[1:] == sorted(set(catalogue.weightings) - {"mine"})
    assert found[0].changed == {"lambda": 0.1}


def test_nothing_given_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="no dataset is given"):
        resolve_texts(catalogue, "dataset", [], "quick")


def test_a_preset_sets_sizes_that_the_user_did_not(catalogue: Catalogue) -> None:
    resolved = one(catalogue, "backbone", "net[tower=7,own=4]", "paper")
    assert resolved.spec.params["embedding"] == 128
    assert resolved.spec.params["bottom"] == [512, 256]
    assert resolved.spec.params["experts"] == 8
    assert resolved.spec.params["tower"] == [7]
    assert resolved.changed == {"tower": [7], "own": 4}


def test_a_value_equal_to_the_preset_is_not_a_change(catalogue: Catalogue) -> None:
    assert one(catalogue, "backbone", "net[embedding=128]", "paper").changed == {}
    assert one(catalogue, "backbone", "net[embedding=128]", "compact").changed == {"embedding": 128}


def test_quick_is_the_plugins_own_defaults(catalogue: Catalogue) -> None:
    resolved = one(catalogue, "backbone", "net")
    assert resolved.params == resolved.entry.cls.Params()


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_preset_leaves_plugins_without_sizes_alone(catalogue: Catalogue, preset: PresetName) -> None:
    assert one(catalogue, "weighting", "mine", preset).spec == one(catalogue, "weighting", "mine").spec


def test_resolve_takes_python_values(catalogue: Catalogue) -> None:
    resolved = resolve(catalogue, "weighting", "mine", {"rates": (1.0,)}, "quick")
    assert resolved.spec == one(catalogue, "weighting", "mine[rates=1]").spec


def test_a_parameter_that_was_added_later_counts_only_where_it_is_set(tmp_path: Path) -> None:
    """Before, after at its default, and after with another value."""
    found = []
    for name, params in (("before", PARAMS), ("after", PARAMS + "extra: int = api.added_later(3, ge=0, alias='more')")):
        catalogue = discover([write(tmp_path / name, "mine.py", weighting("mine", params=params))])
        found.append(one(catalogue, "weighting", "mine"))
    before, at_default = found
    spelt_out, other = (one(catalogue, "weighting", f"mine[more={value}]") for value in (3, 4))
    assert before.spec == at_default.spec == spelt_out.spec
    assert other.spec.params == {**before.spec.params, "more": 4}
    assert (at_default.changed, spelt_out.changed, other.changed) == ({}, {}, {"more": 4})
    assert spelt_out.create().params.extra == 3
    with pytest.raises(UsageError, match=r"more = -1 is out of range"):
        one(catalogue, "weighting", "mine[more=-1]")


def test_a_default_that_is_new_leaves_older_results_what_they_are(tmp_path: Path) -> None:
    """A parameter that came later, with another default than what the plugin did before."""
    later = "extra: int = api.added_later(3, before=0, alias='more')"
    old, new = (
        discover([write(tmp_path / name, "mine.py", weighting("mine", params=params))])
        for name, params in (("old", PARAMS), ("new", PARAMS + later))
    )
    before = one(old, "weighting", "mine")
    assert one(new, "weighting", "mine").spec.params == {**before.spec.params, "more": 3}
    assert one(new, "weighting", "mine[more=0]").spec == before.spec
    again = resolve_recorded(new, "weighting", "mine", before.spec.params, "quick")
    assert again.spec == before.spec
    assert again.create().params.extra == new.create("weighting", before.spec).params.extra == 0
    assert new.create("weighting", one(new, "weighting", "mine").spec).params.extra == 3
    assert resolve(new, "weighting", "mine", before.spec.params, "quick").create().params.extra == 3
    for value in (3, 4):
        spec = one(new, "weighting", f"mine[more={value}]").spec
        assert resolve_recorded(new, "weighting", "mine", spec.params, "quick").spec == spec


def test_a_parameter_that_was_added_later_is_shown(tmp_path: Path) -> None:
    source = weighting("mine", params="extra: int = api.added_later(3, ge=0, description='what it is for')")
    entry = discover([write(tmp_path, "mine.py", source)]).get("weighting", "mine")
    assert parameter_rows(entry.cls.Params) == [
        {"name": "extra", "default": "3", "range": "integer, >= 0", "description": "what it is for"}
    ]
