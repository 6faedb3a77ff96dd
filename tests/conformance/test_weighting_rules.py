"""The kit accepts a sound weighting, and refuses one that breaks a rule in words that name the rule."""

import pytest
from broken_weightings import BROKEN, Sound
from refusals import refusals

from mtlbench.api import Weighting
from mtlbench.conformance import RULES

ALSO: dict[str, set[str]] = {
    "two-tasks": {"trains-with-every-backbone"},
    "five-tasks": {"huge-losses", "batch-without-a-task", "placeholders"},
    "zero-losses": {"batch-without-a-task", "rows-without-labels"},
    "large-vocabulary": {"batch-without-a-task"},
    "parallel-tasks": {"mixed-kinds", "permutation-equivariant"},
    "deterministic": {"resumes-after-a-kill", "placeholders", "all-observed"},
    "state-round-trip": {"resumes-after-a-kill"},
    "trains-with-every-backbone": {"five-tasks", "huge-losses"},
    "without-sessions": {"sample-weights"},
    "placeholders": {"sample-weights"},
}
"""Rules that cannot but be broken with another, since they train on the same kind of data."""

SEEN: dict[str, str] = {
    "documented": "the docstring has no link",
    "parameters-are-described": "no description of alpha",
    "search-space": "the search of alpha (-1 to 1) gives -1.0 for 1 tasks: Input should be greater than or equal to 0",
    "one-task": "weights (inf) in step 0",
    "two-tasks": "2 tasks: weights of shape (); expected [(2,), (24, 2)]",
    "five-tasks": "5 tasks: weights of shape (3,)",
    "parallel-tasks": "weights (inf, inf, inf) in step 0",
    "mixed-kinds": "AssertionError (broken_weightings.py:",
    "without-sessions": "AssertionError (broken_weightings.py:",
    "zero-losses": "losses usual, zero, usual: weights (",
    "huge-losses": "losses huge, huge, huge, huge, huge: weights (nan, nan, nan, nan, nan) in step 0",
    "nan-losses": "ArithmeticError: array must not contain infs or NaNs",
    "deterministic": "step 0: weights (1.0000",
    "leaves-global-state-alone": "weigh changed the seed of torch's global generator",
    "leaves-the-network-alone": "after_step changed parameter ",
    "weights-are-detached": "carry a gradient to ",
    "state-round-trip": "the state holds nothing",
    "resumes-after-a-kill": "killed in step 2 of 6 and resumed, parameter ",
    "permutation-equivariant": "with the tasks in the order 2, 3, 1 the weights in step 0 are (1.2, 1.1, 1)",
    "identical-tasks": "cosine -1 with the gradient, weights (-1, -1, -1)",
    "reaches-every-parameter": "did not move in 6 steps",
    "large-vocabulary": "must match the size of tensor",
    "trains-with-every-backbone": "weighting breaks-trains-with-every-backbone: AssertionError",
    "not-a-duplicate": "the training losses of 8 epochs are those of constant (mtlbench_plugins.weightings.constant",
    "rows-without-labels": "with 17 more rows that have no label, ",
    "placeholders": "with one number in place of the labels that were not observed, ",
    "all-observed": "with a mask, ",
    "batch-without-a-task": "weigh changed first of a task that the batch has no label of: ",
    "sample-weights": "with sample weights of 1 to 9, ",
}
"""What the message must show of the value seen."""


def test_a_sound_weighting_breaks_no_rule() -> None:
    assert refusals(Sound) == {}


def test_each_rule_has_a_weighting_that_breaks_it() -> None:
    assert set(BROKEN) == set(SEEN) == set(RULES["weighting"])


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_weighting_is_refused_by_the_rule_that_it_breaks(rule: str) -> None:
    first, seen, remedy = refusals(BROKEN[rule], rule)[rule].splitlines()
    assert first == f"rule {rule}: {RULES['weighting'][rule].statement}"
    assert seen.startswith("  seen:   ")
    assert SEEN[rule] in seen
    assert len(remedy.removeprefix("  remedy: ").split()) > 3


@pytest.mark.slow
@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_weighting_breaks_no_other_rule(rule: str) -> None:
    assert set(refusals(BROKEN[rule])) == {rule} | ALSO.get(rule, set())


class Numbered(BROKEN["permutation-equivariant"]):
    __doc__ = Sound.__doc__
    name, label = "numbered", "Numbered"
    equivariant = False


class Average(BROKEN["not-a-duplicate"]):
    __doc__ = Sound.__doc__
    name, label = "average", "Average"
    coincides_with = frozenset({"constant"})


@pytest.mark.parametrize("declared", [Numbered, Average])
def test_what_is_declared_is_no_breach(declared: type[Weighting]) -> None:
    assert refusals(declared) == {}
