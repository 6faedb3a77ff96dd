"""What the kit says of a plugin, without pytest between."""

from mtlbench.conformance import BrokenRuleError, cases
from mtlbench.conformance.rules import NotApplicableError


def refusals(plugin: type) -> dict[str, str]:
    """Rule -> message, of the rules that the plugin breaks."""
    found = {}
    for case in cases(plugin):
        try:
            case.rule.check(case.subject)
        except BrokenRuleError as error:
            found[case.rule.name] = str(error)
        except NotApplicableError:
            pass
    return found
