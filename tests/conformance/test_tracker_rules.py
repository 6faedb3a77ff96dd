"""The kit accepts a sound tracker, and refuses one that breaks a rule in words that name the rule."""

import pytest
from broken_trackers import BROKEN, NotInstalled, Sound
from refusals import refusals

from mtlbench.conformance import RULES, cases
from mtlbench.conformance.rules import NotApplicableError

SEEN: dict[str, str] = {
    "documented": "the docstring begins with 'Names'",
    "parameters-are-described": "no description of loud",
    "shows-every-cell": "a cell that failed: ValueError: ",
    "leaves-generators-alone": "the state of Python's `random` has changed",
}
"""What the message must show of the value seen."""


def test_a_sound_tracker_breaks_no_rule() -> None:
    assert refusals(Sound) == {}


def test_each_rule_has_a_tracker_that_breaks_it() -> None:
    assert set(BROKEN) == set(SEEN) == set(RULES["tracker"])


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_tracker_is_refused_by_the_rule_that_it_breaks(rule: str) -> None:
    found = refusals(BROKEN[rule])
    assert set(found) == {rule}
    first, seen, _ = found[rule].splitlines()
    assert first == f"rule {rule}: {RULES['tracker'][rule].statement}"
    assert SEEN[rule] in seen


def test_a_tracker_without_its_package_is_not_held_against_rules_that_need_it() -> None:
    reasons = {}
    for case in cases(NotInstalled):
        try:
            case.rule.check(case.plugin)
        except NotApplicableError as reason:
            reasons[case.rule.name] = str(reason)
    install = "it needs no_such_package_at_all, which is not installed: pip install no_such_package_at_all"
    assert reasons == {"shows-every-cell": install, "leaves-generators-alone": install}
