"""Where weightings say that they are shown to gain, the pages say it too, and nowhere else."""

from collections import defaultdict

import pandas as pd
from published import TUNED_LOGS, gains_of_tuned, gains_over_logs
from results_of_phase import GAINS, phase

from mtlbench.discovery import discover


def test_shown_on_and_harmed_on_name_the_boards_and_studies_with_a_claim_on_the_tuned_method() -> None:
    labels = {entry.cls.label: name for name, entry in discover().weightings.items()}
    shown: dict[str, defaultdict[str, set[str]]] = {"*": defaultdict(set), "°": defaultdict(set)}
    found = [(name.partition("#")[0], gains_of_tuned(name)) for name in TUNED_LOGS] + [("over-logs", gains_over_logs())]
    for page, gains in found:
        for label, gain in gains.items():
            if gain.mark and label in labels:  # a label with parameters is a variant
                shown[gain.mark][labels[label]].add(page)
    table, over_all = (text.split(" | ") for text in phase_lines("| gain", "| all"))
    for label, cell in zip(table[2:], over_all[2:], strict=True):
        for mark in shown:
            if mark in cell:
                shown[mark][labels[label.strip(" |")]].add("phase")
    for mark, name in (("*", "shown_on"), ("°", "harmed_on")):
        declared = {one: set(getattr(entry.cls, name)) for one, entry in discover().weightings.items()}
        assert {one: where for one, where in declared.items() if where} == dict(shown[mark])


def phase_lines(*starts: str) -> list[str]:
    lines = "\n".join(phase.report(pd.read_csv(GAINS), tuned=True)).splitlines()
    return [next(line for line in lines if line.startswith(start)) for start in starts]
