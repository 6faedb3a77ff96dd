"""The conformance kit: what any dataset, backbone, weighting or tracker must satisfy, as a suite for pytest.

``mtlbench test-plugin NAME|FILE`` runs it; a package runs it in its own tests through :func:`cases`.
"""

# Importing a module of rules registers them, in the order in which they are checked.
from mtlbench.conformance import documentation, searching, weightings, backbones, datasets, trackers  # isort: skip
from mtlbench.conformance.cases import Case, cases, cases_of
from mtlbench.conformance.rules import RULES, BrokenRuleError

__all__ = [
    "RULES",
    "BrokenRuleError",
    "Case",
    "backbones",
    "cases",
    "cases_of",
    "datasets",
    "documentation",
    "searching",
    "trackers",
    "weightings",
]
