"""The kit accepts a sound dataset, and refuses one that breaks a rule in words that name the rule."""

import numpy as np
import pytest
from broken_datasets import BROKEN, Amounts, Sound, TrainingStatistics
from refusals import refusals

from mtlbench.conformance import RULES

ALSO: dict[str, set[str]] = {"says-where-its-files-are-from": {"splits-and-encodes"}}
"""Rules that cannot but be broken with another: no log can be read."""

SEEN: dict[str, str] = {
    "NoFormula": "the docstring has no formula",
    "Undescribed": "no description of rows",
    "FilesUnchecked": "FileNotFoundError: ",
    "TasksInTheWrongOrder": "task 'click' is 1 where 'buy' is 0 in",
    "GlobalGenerator": "column 'price' holds ",
    "SetsAVariable": "reading the log changed the environment",
    "FilledInAfterThePurchase": "column 'order' alone predicts 'buy' with an XAUC of 1.000",
    "NoisyLabel": "column 'added' alone predicts 'click' with an XAUC of ",
    "TellsThePurchaseOfAClick": "column 'added' alone predicts 'buy' where 'click' is 1 with an XAUC of 1.000",
    "TargetEncoding": "column 'added' correlates at 1.0000 with the mean of 'click' over all rows of its 'user'",
    "LengthOfTheVisit": "column 'added' correlates at 1.0000 with the number of rows of its 'visit'",
    "DwellTime": "column 'added' correlates at 1.0000 with the time to the next row of its 'visit'",
    "FilledInWithTheAmount": "column 'order' alone predicts 'amount' with an XAUC of ",
    "MeanAmount": "column 'added' correlates at 1.0000 with the mean of 'amount' over all rows of its 'user'",
    "Outliers": "backbone aitm: TrainingError: ",
}
"""What the message must show of the value seen."""


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_DATA", "nowhere")
    monkeypatch.setenv("SOUND_LOADS", "0")


def test_a_sound_dataset_breaks_no_rule() -> None:
    assert refusals(Sound) == {}


def test_tasks_of_other_kinds_and_missing_labels_break_no_rule() -> None:
    assert refusals(Amounts) == {}


def test_statistics_of_the_past_are_no_leak() -> None:
    assert refusals(TrainingStatistics) == {}


def test_each_rule_has_a_dataset_that_breaks_it() -> None:
    assert set(BROKEN) == set(RULES["dataset"])


@pytest.mark.parametrize(("rule", "cls"), [(rule, cls) for rule, classes in BROKEN.items() for cls in classes])
def test_a_broken_dataset_is_refused_by_the_rule_that_it_breaks(rule: str, cls: type[Sound]) -> None:
    found = refusals(cls)
    assert set(found) == {rule} | ALSO.get(rule, set())
    first, seen, remedy = found[rule].splitlines()
    assert first == f"rule {rule}: {RULES['dataset'][rule].statement}"
    assert SEEN[cls.__name__] in seen
    assert remedy.startswith("  remedy: ")


LEAKS = [*BROKEN["no-input-tells-a-label"], *BROKEN["no-input-knows-the-future"]]


@pytest.mark.parametrize("leak", LEAKS)
def test_of_labels_that_are_shuffled_nothing_leaks(leak: type[Sound]) -> None:
    """The probes tell of the link between input and label: broken, there is nothing to tell."""

    class Shuffled(leak):
        __doc__ = Sound.__doc__
        name, label = "shuffled", "Shuffled"

        def load(self, root):
            log = super().load(root)
            order = np.random.default_rng(5).permutation(len(log.frame))
            for column in [*log.task_names, log.session, log.user, log.timestamp]:
                log.frame[column] = log.frame[column].to_numpy()[order]
            return log

    assert refusals(Shuffled) == {}
