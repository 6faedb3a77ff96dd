"""Which weightings are tried, from what plugins declare, the built-in ones and made-up ones."""

from dataclasses import replace
from typing import Any

import pytest
from small_splits import small_schema

from mtlbench import api
from mtlbench.advice.choosing import FAMILIES, Choice, baseline_of, choose, cost_of
from mtlbench.api import Trouble
from mtlbench.config.specs import Resolved, resolve
from mtlbench.discovery import Entry, discover
from mtlbench.discovery.families import MEANINGS, family_of
from mtlbench.errors import UsageError

CATALOGUE = discover()
SCHEMA = small_schema(("click", "like"), parallel=True)
TROUBLES: tuple[Trouble, ...] = ("scale", "conflict", "pace", "rarity")


def resolved(kind: str, name: str) -> Resolved:
    return resolve(CATALOGUE, kind, name, {}, "quick")


def chosen(*shown: Trouble, backbone: str = "shared-bottom", schema: Any = SCHEMA) -> list[Choice]:
    weightings = [resolved("weighting", name) for name in CATALOGUE.weightings]
    return choose(weightings, resolved("backbone", backbone), schema, {trouble: f"so {trouble}" for trouble in shown})


def declared(choice: Choice) -> Any:
    return CATALOGUE.weightings[choice.name].cls


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_tried_says_that_it_repairs_what_the_log_shows(trouble: Trouble) -> None:
    found = chosen(trouble)
    assert 2 <= len(found) <= 1 + len(FAMILIES)
    for one in found:
        assert one.own_start or trouble in declared(one).repairs
        assert one.own_start or f"so {trouble}" in one.why


def test_the_tuned_baseline_is_always_among_them_behind_the_first_one() -> None:
    for shown in ((), ("scale",), TROUBLES):
        found = chosen(*shown)
        assert [declared(one).tuned_baseline for one in found].index(True) == 1
        assert [one.own_start for one in found].count(True) == 1


def test_a_log_without_trouble_has_a_short_list() -> None:
    assert len(chosen()) == 2


def test_without_trouble_the_one_that_is_shown_to_gain_most_often_is_tried() -> None:
    first = chosen()[0]
    most = max(len(entry.cls.shown_on) for entry in CATALOGUE.weightings.values())
    assert len(declared(first).shown_on) == most
    assert first.why.startswith("the log shows no trouble; shown to gain in ")


def test_of_methods_for_the_same_trouble_the_one_that_is_shown_to_gain_is_tried() -> None:
    for one in chosen("scale", "pace"):
        rivals = [
            entry.cls
            for entry in CATALOGUE.weightings.values()
            if entry.cls.repairs & {"scale", "pace"} and family_of(entry.cls) == family_of(declared(one))
        ]
        assert one.own_start or proven(declared(one)) == max(map(proven, rivals)) > 0
        assert one.own_start or "shown to gain in" in one.why


def proven(cls: Any) -> int:
    return len(cls.shown_on) - len(cls.harmed_on)


def test_a_subclass_does_not_inherit_what_was_shown_of_another_and_names_are_a_set() -> None:
    famo = CATALOGUE.weightings["famo"].cls
    assert famo.shown_on
    assert not type("Mine", (famo,), {}).shown_on
    with pytest.raises(TypeError, match="shown_on is 'phase'; give a frozenset of names"):
        type("Mine", (famo,), {"shown_on": "phase"})


def test_many_troubles_give_one_weighting_of_each_family() -> None:
    found = chosen(*TROUBLES)
    families = [family_of(declared(one)) for one in found if not one.own_start]
    assert families == list(FAMILIES)


def test_every_family_that_trains_once_is_asked_for_one() -> None:
    assert {*FAMILIES} == MEANINGS.keys() - {"With stages"}


def test_gradients_are_not_weighed_where_no_parameter_is_shared() -> None:
    found = chosen("conflict", "scale", backbone="single-task")
    assert found
    assert not any(declared(one).needs & {"gram", "jacobian"} for one in found)


def test_what_takes_binary_labels_is_not_tried_on_numbers() -> None:
    assert any(declared(one).task_kinds == {"binary"} for one in chosen("rarity"))
    numbers = replace(SCHEMA, tasks=(api.Task("click"), api.Task("watch", "nonnegative")))
    assert not any(declared(one).task_kinds == {"binary"} for one in chosen("rarity", schema=numbers))


class Cheap(api.Weighting):
    """Repairs conflict, and reads losses alone."""

    name, label = "cheap", "Cheap"
    repairs = frozenset({"conflict"})

    def weigh(self, step: api.Step) -> Any:
        return api.ones(step)


class Dear(Cheap):
    """The same from gradients and parameters."""

    name, label = "a-dear", "Dear"
    needs = frozenset({"jacobian", "parameters"})


class Vague(Cheap):
    """It says that it repairs everything."""

    name, label = "a-vague", "Vague"
    repairs = frozenset(TROUBLES)


def test_of_a_family_the_most_fitting_and_simplest_is_taken() -> None:
    more = CATALOGUE.including([Entry(cls, "weighting", "") for cls in (Dear, Vague, Cheap)])
    own = [resolve(more, "weighting", cls.name, {}, "quick") for cls in (Dear, Vague, Cheap)]
    bottom = resolved("backbone", "shared-bottom")
    assert [one.name for one in choose(own, bottom, SCHEMA, {"conflict": "x"})] == ["cheap", "a-dear"]
    assert [one.name for one in choose(own, bottom, SCHEMA, {"conflict": "x", "scale": "y"})] == ["a-vague", "a-dear"]


def test_a_training_costs_what_it_reads() -> None:
    assert cost_of(Cheap, 6) == 1
    assert cost_of(Dear, 3) == 3
    assert cost_of(Dear, 6) > cost_of(Dear, 2)


def test_one_weighting_is_the_baseline() -> None:
    classes = [entry.cls for entry in CATALOGUE.weightings.values()]
    assert baseline_of(classes) == "constant"
    with pytest.raises(UsageError, match="0 do"):
        baseline_of([Cheap])


def test_a_trouble_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(TypeError, match="repairs names speed; choose among scale, conflict, pace, rarity"):
        type("Typo", (Cheap,), {"repairs": frozenset({"speed"})})
