"""What the kit says of a plugin, without pytest between, and with few others to pair it with."""

import os
from functools import cache
from pathlib import Path

from mtlbench.conformance import BrokenRuleError, cases_of
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.discovery import Catalogue, Entry, discover
from mtlbench.discovery.validation import BASES

BACKBONES = ("aitm", "shared-bottom", "single-task")
WEIGHTINGS = ("constant", "ddpg", "pcgrad")


@cache
def others() -> Catalogue:
    everything = discover()
    return Catalogue(
        backbones={name: everything.backbones[name] for name in BACKBONES},
        weightings={name: everything.weightings[name] for name in WEIGHTINGS},
    )


def refusals(plugin: type, *rules: str) -> dict[str, str]:
    """Rule -> message, of the rules that the plugin breaks; of ``rules`` alone where some are named."""
    kind = next(kind for kind, base in BASES.items() if issubclass(plugin, base))
    found = {}
    for case in cases_of([Entry(plugin, kind, "here")], others(), Path(os.environ.get("MTLBENCH_DATA", "data"))):
        if rules and case.rule.name not in rules:
            continue
        try:
            case.rule.check(case.plugin)
        except BrokenRuleError as error:
            found[case.rule.name] = str(error)
        except NotApplicableError:
            pass
    return found
