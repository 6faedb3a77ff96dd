"""Running the kit through pytest, from a command rather than from a project's tests."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtlbench.conformance.cases import Case
from mtlbench.conformance.rules import BrokenRuleError

SUITE = Path(__file__).with_name("suite.py")
WORDS = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}


class Outcome:
    """Hears from pytest how each case went, and tells it in a line.

    Args:
        cases: what pytest shall run.
        tell: takes a line.
    """

    def __init__(self, cases: Sequence[Case], tell: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._cases = cases
        self._tell = tell
        self._complaints: list[str] = []
        self._told: object = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the suite its cases."""
        metafunc.parametrize("case", self._cases, ids=str)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell how a case went, once it is over."""
        report = yield
        if call.when != "call":
            return report
        case: Case = item.callspec.params["case"]  # type: ignore[attr-defined]
        entry = case.subject.entry
        if entry is not self._told:
            self._told = entry
            self._tell(f"{entry.kind} {entry.name} ({entry.origin})")
        self.counts[report.outcome] += 1
        reason = f": {call.excinfo.value}" if report.skipped and call.excinfo else ""
        self._tell(f"  {WORDS[report.outcome]:<4}  {case.rule.name}{reason}")
        if report.failed and call.excinfo:
            known = isinstance(call.excinfo.value, BrokenRuleError)
            self._complaints.append(str(call.excinfo.value if known else report.longrepr))
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Keep pytest from telling it too."""
        return report.outcome if report.when == "call" else "", "", ""

    def summary(self) -> None:
        """What was broken, and how many rules went which way."""
        counts = ", ".join(f"{self.counts[word]} {word}" for word in ("passed", "failed", "skipped"))
        self._tell("\n\n".join([*self._complaints, f"{sum(self.counts.values())} rules: {counts}"]))


def run(cases: Sequence[Case], tell: Callable[[str], None]) -> bool:
    """Run ``cases`` through pytest, whatever settings and pytest plugins lie around; whether none of them failed."""
    outcome = Outcome(cases, tell)
    isolation = ["-c", os.devnull, f"--rootdir={SUITE.parent}", "--noconftest", "-p", "no:cacheprovider"]
    silence = ["-qq", "--no-header", "--no-summary", "--tb=short", "--disable-warnings"]
    with _environment(PYTEST_ADDOPTS="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"):
        pytest.main([str(SUITE), *isolation, *silence, "-o", "python_files=suite.py"], plugins=[outcome])
    outcome.summary()
    return sum(outcome.counts.values()) == len(cases) and not outcome.counts["failed"]


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
