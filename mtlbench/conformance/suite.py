"""The test that pytest collects, once for each case given to :func:`mtlbench.conformance.running.run`."""

from mtlbench.conformance.cases import Case


def test_conforms(case: Case) -> None:
    """The plugin obeys the rule."""
    case.check()
