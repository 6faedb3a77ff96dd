"""Runs the kit through pytest, from a command rather than from a project's tests."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
import torch

from mtlbench.conformance.cases import Case
from mtlbench.conformance.rules import BrokenRuleError

SUITE = Path(__file__).with_name("suite.py")
WORDS = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}


class Reporter:
    """A pytest plugin that writes a line for each case.

    Args:
        cases: what pytest runs.
        write: called with each line.
    """

    def __init__(self, cases: Sequence[Case], write: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._cases = cases
        self._write = write
        self._complaints: list[str] = []
        self._heading: object = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the suite its cases."""
        metafunc.parametrize("case", self._cases, ids=str)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the outcome of a case."""
        report = yield
        if call.when != "call":
            return report
        case: Case = item.callspec.params["case"]  # type: ignore[attr-defined]
        entry = case.plugin.entry
        if entry is not self._heading:
            self._heading = entry
            self._write(f"{entry.kind} {entry.name} ({entry.origin})")
        self.counts[report.outcome] += 1
        reason = f": {call.excinfo.value}" if report.skipped and call.excinfo else ""
        self._write(f"  {WORDS[report.outcome]:<4}  {case.rule.name}{reason}")
        if report.failed and call.excinfo:
            known = isinstance(call.excinfo.value, BrokenRuleError)
            self._complaints.append(str(call.excinfo.value if known else report.longrepr))
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Keep pytest from writing it too."""
        return report.outcome if report.when == "call" else "", "", ""

    def summary(self) -> None:
        """Write the message of every broken rule, and the number of rules passed, failed and skipped."""
        counts = ", ".join(f"{self.counts[word]} {word}" for word in ("passed", "failed", "skipped"))
        self._write("\n\n".join([*self._complaints, f"{sum(self.counts.values())} rules: {counts}"]))


def run(cases: Sequence[Case], write: Callable[[str], None]) -> bool:
    """Run ``cases`` through pytest, without the settings and pytest plugins of a project; whether all went well."""
    reporter = Reporter(cases, write)
    isolation = ["-c", os.devnull, f"--rootdir={SUITE.parent}", "--noconftest", "-p", "no:cacheprovider"]
    silence = ["-qq", "--no-header", "--no-summary", "--tb=short", "--disable-warnings", "-p", "no:unraisableexception"]
    torch.set_num_threads(1)  # the networks are small: more threads only cost
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTEST_ADDOPTS", "")
        environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytest.main([str(SUITE), *isolation, *silence, "-o", "python_files=suite.py"], plugins=[reporter])
    reporter.summary()
    return sum(reporter.counts.values()) == len(cases) and not reporter.counts["failed"]
