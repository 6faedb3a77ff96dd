"""The test that pytest collects: every case that :func:`mtlbench.conformance.running.run` was given."""

from mtlbench.conformance.cases import Case


def test_conforms(case: Case) -> None:
    """The plugin obeys the rule."""
    case.check()
