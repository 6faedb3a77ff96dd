"""The kit accepts a sound backbone, and refuses one that breaks a rule in words that name the rule."""

import pytest
from broken_backbones import BROKEN, Sound
from refusals import refusals

from mtlbench.conformance import RULES

ALSO: dict[str, set[str]] = {
    "parallel-tasks": {"mixed-kinds"},
    "two-tasks": {
        "bags",
        "parallel-tasks",
        "no-numerical-inputs",
        "no-categorical-inputs",
        "trains-with-every-weighting",
        "vectors",
    },
}
"""Rules that cannot but be broken with another, since they, too, are about two tasks, or tasks that form no funnel."""

SEEN: dict[str, str] = {
    "documented": "the docstring has no formula",
    "parameters-are-described": "no description of depth",
    "one-task": "logits (nan, nan,",
    "two-tasks": "logits of torch.float64; expected torch.float32",
    "five-tasks": "logits of shape (64, 4); expected (64, 5)",
    "parallel-tasks": "AssertionError (broken_backbones.py:",
    "mixed-kinds": "AssertionError (broken_backbones.py:",
    "no-numerical-inputs": "(broken_backbones.py:",
    "no-categorical-inputs": "(broken_backbones.py:",
    "bags": "with other ids in the places after those of a bag, (",
    "vectors": "with other vectors are the same as without",
    "large-inputs": "logits (inf, inf,",
    "rows-are-independent": "row 0 alone has the logits (",
    "initialised-by-the-seed": "two seeds give the same initial parameters",
    "gradient-reaches-every-parameter": "no gradient for spare.weight, spare.bias",
    "representation": "embedding.weight reaches logits around it as well",
    "state-round-trip": ") instead of (",
    "forward-has-no-side-effects": "calls has changed",
    "trains-with-every-weighting": "AssertionError",
    "not-a-duplicate": "its logits are those of shared-bottom (mtlbench_plugins.backbones.shared_bottom",
}
"""What the message must show of the value seen."""


def test_a_sound_backbone_breaks_no_rule() -> None:
    assert refusals(Sound) == {}


def test_each_rule_has_a_backbone_that_breaks_it() -> None:
    assert set(BROKEN) == set(SEEN) == set(RULES["backbone"])


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_backbone_is_refused_by_the_rule_that_it_breaks(rule: str) -> None:
    found = refusals(BROKEN[rule])
    assert set(found) == {rule} | ALSO.get(rule, set())
    first, seen, remedy = found[rule].splitlines()
    assert first == f"rule {rule}: {RULES['backbone'][rule].statement}"
    assert SEEN[rule] in seen
    assert remedy.startswith("  remedy: ")
