"""Where weightings say that they are shown to gain, the pages say it too, and nowhere else."""

from collections import defaultdict

import pandas as pd
from published import HOTEL, TUNED, gains_of_tuned
from results_of_phase import GAINS, phase

from mtlbench.discovery import discover


def test_shown_on_names_the_boards_and_studies_that_claim_a_gain_of_the_tuned_method() -> None:
    labels = {entry.cls.label: name for name, entry in discover().weightings.items()}
    shown = defaultdict(set)
    for board in (HOTEL, TUNED):
        for label, gain in gains_of_tuned(board).items():
            if gain.mark == "*" and label in labels:  # a label with parameters is a variant
                shown[labels[label]].add(board)
    table, over_all = (text.split(" | ") for text in phase_lines("| gain", "| all"))
    for label, cell in zip(table[2:], over_all[2:], strict=True):
        if "*" in cell:
            shown[labels[label.strip(" |")]].add("phase")
    declared = {name: set(entry.cls.shown_on) for name, entry in discover().weightings.items() if entry.cls.shown_on}
    assert declared == dict(shown)


def phase_lines(*starts: str) -> list[str]:
    lines = "\n".join(phase.report(pd.read_csv(GAINS), tuned=True)).splitlines()
    return [next(line for line in lines if line.startswith(start)) for start in starts]
