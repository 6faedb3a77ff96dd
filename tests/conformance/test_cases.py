"""How a project of one's own takes the kit into its tests."""

import types
from pathlib import Path

import broken_weightings
import pytest
from broken_datasets import FilesUnchecked
from broken_weightings import BROKEN, Sound

from mtlbench import api
from mtlbench.conformance import RULES, BrokenRuleError, Case, cases


def case(plugin: type, rule: str, **settings: object) -> Case:
    [found] = [one for one in cases(plugin, **settings) if one.rule.name == rule]
    return found


def test_a_class_has_a_case_for_every_rule_of_its_kind_in_order() -> None:
    assert [str(one) for one in cases(Sound)] == [f"sound-{rule}" for rule in RULES["weighting"]]


def test_a_module_is_every_plugin_that_it_defines() -> None:
    tested = {one.plugin.cls for one in cases(broken_weightings)}
    assert tested == {Sound, *BROKEN.values()}


def test_a_plugin_that_is_not_installed_is_tested_among_those_that_are() -> None:
    catalogue = cases(Sound)[0].plugin.catalogue
    assert {"sound", "constant"} <= set(catalogue.weightings)


def test_a_broken_rule_fails_the_test() -> None:
    with pytest.raises(BrokenRuleError, match="rule documented: "):
        case(BROKEN["documented"], "documented").check()


def test_what_does_not_apply_skips_the_test_with_the_reason() -> None:
    class Numbered(BROKEN["permutation-equivariant"]):
        equivariant = False

    with pytest.raises(pytest.skip.Exception, match="the method declares `equivariant = False`"):
        case(Numbered, "permutation-equivariant").check()


def test_data_is_looked_for_where_it_is_said_or_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLBENCH_DATA", str(tmp_path))
    assert case(FilesUnchecked, "documented").plugin.data_dir == tmp_path
    assert case(FilesUnchecked, "documented", data_dir="here").plugin.data_dir == Path("here")
    monkeypatch.delenv("MTLBENCH_DATA")
    assert case(FilesUnchecked, "documented").plugin.data_dir == Path("data")


class Nameless(Sound):
    name = "Not A Name"


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (int, "<class 'int'> is no subclass of a plugin interface"),
        (api.Weighting, "Weighting is abstract; define weigh"),
        (Nameless, "Nameless.name is 'Not A Name'"),
        (types, "the module types defines no plugin"),
    ],
)
def test_what_is_no_plugin_is_refused_with_the_reason(plugin: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        cases(plugin)
