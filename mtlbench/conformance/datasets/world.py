"""The log of a dataset under test, and what the harness makes of it, each once."""

from collections.abc import Hashable

from mtlbench.api import DataError, Dataset, Log, Splits, UsageError
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.conformance.subject import Subject
from mtlbench.data.building import build

_logs: dict[Hashable, Log] = {}
_splits: dict[Hashable, Splits] = {}


def create(subject: Subject) -> Dataset:
    """The dataset at its defaults."""
    dataset: Dataset = subject.cls(subject.cls.Params())
    return dataset


def read(subject: Subject) -> Log:
    """The log, read anew; whatever error the dataset raises passes through.

    Raises:
        NotApplicableError: its raw files are not there, as its own message says.
    """
    dataset = create(subject)
    try:
        dataset.files(subject.data_dir)
    except UsageError as error:
        raise NotApplicableError(str(error)) from None
    absent = dataset.folder is not None and not (subject.data_dir / dataset.folder).exists()
    try:
        return dataset.load(subject.data_dir)
    except DataError as error:
        if absent:
            raise NotApplicableError(str(error)) from None
        raise


def encode(subject: Subject) -> Splits:
    """The log as the harness splits and encodes it, once; errors pass through."""
    key = subject.cls, subject.data_dir
    if key not in _splits:
        _logs[key] = read(subject)
        _splits[key] = build(_logs[key], subject.entry.name, "conformance")
    return _splits[key]


def splits_of(subject: Subject) -> Splits:
    """The encoded log, for rules that are about what is in it.

    Raises:
        NotApplicableError: there is none, which another rule tells.
    """
    try:
        return encode(subject)
    except NotApplicableError:
        raise
    except Exception:
        raise NotApplicableError("there is no encoded log: see the rule splits-and-encodes") from None


def log_of(subject: Subject) -> Log:
    """The log behind :func:`splits_of`."""
    splits_of(subject)
    return _logs[subject.cls, subject.data_dir]
