"""The log of the dataset under test, and its encoded splits; each is made once."""

from collections.abc import Hashable

from mtlbench.api import DataError, Dataset, Log, Splits, UsageError
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.data.building import build
from mtlbench.data.folders import presence

_logs: dict[Hashable, Log] = {}
_splits: dict[Hashable, Splits] = {}


def create(plugin: PluginUnderTest) -> Dataset:
    """The dataset at its defaults."""
    dataset: Dataset = plugin.cls(plugin.cls.Params())
    return dataset


def read(plugin: PluginUnderTest) -> Log:
    """Read the log; errors of the dataset are not caught.

    Raises:
        NotApplicableError: its raw files are absent; the message is the dataset's own.
    """
    dataset = create(plugin)
    try:
        dataset.files(plugin.data_dir)
    except UsageError as error:
        raise NotApplicableError(str(error)) from None
    absent = dataset.folder is not None and not (plugin.data_dir / dataset.folder).exists()
    absent |= dataset.package is not None and presence(dataset, plugin.data_dir) == "no"
    try:
        return dataset.load(plugin.data_dir)
    except DataError as error:
        if absent:
            raise NotApplicableError(str(error)) from None
        raise


def encode(plugin: PluginUnderTest) -> Splits:
    """The log as the harness splits and encodes it, done once; errors are not caught."""
    key = plugin.cls, plugin.data_dir
    if key not in _splits:
        _logs[key] = read(plugin)
        _splits[key] = build(_logs[key], plugin.entry.name, "conformance")
    return _splits[key]


def splits_of(plugin: PluginUnderTest) -> Splits:
    """The encoded log, for rules about its content.

    Raises:
        NotApplicableError: there is none; another rule says why.
    """
    try:
        return encode(plugin)
    except NotApplicableError:
        raise
    except Exception:
        raise NotApplicableError("there is no encoded log: see the rule splits-and-encodes") from None


def log_of(plugin: PluginUnderTest) -> Log:
    """The log behind :func:`splits_of`."""
    splits_of(plugin)
    return _logs[plugin.cls, plugin.data_dir]
