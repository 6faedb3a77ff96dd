"""Reading the log."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from mtlbench.api import DataError
from mtlbench.conformance.datasets.log import create, encode, log_of, read, splits_of
from mtlbench.conformance.generators import generator_states, restored_generators
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, in_one_line, rule

SORTED = "sort what comes from sets and folders; seed a generator of your own by a parameter"


@rule("dataset")
def says_where_its_files_are_from(plugin: PluginUnderTest) -> None:
    """Without its raw files a dataset raises a DataError that says where to get them; a generated one needs none."""
    dataset = create(plugin)
    if dataset.needs_parameters:
        raise NotApplicableError("parameters have to say what the dataset reads")
    with tempfile.TemporaryDirectory() as empty:
        try:
            dataset.files(Path(empty))
            if dataset.package is not None:  # it is installed
                return
            dataset.load(Path(empty))
        except DataError as error:
            if dataset.package is not None:
                if dataset.package not in str(error):
                    broken(f"DataError: {error}", f"name the package {dataset.package}, and how to install it")
                return
            if dataset.folder is None:
                broken(f"DataError: {error}", "declare the `folder` of the raw files below the data folder")
            if "://" not in str(error) and empty not in str(error):
                broken(f"DataError: {error}", "name the file expected, with its path, and the page to get it from")
            return
        except Exception as error:
            broken(in_one_line(error), "raise mtlbench.api.DataError where a raw file is absent")
    if dataset.folder is not None:
        broken(
            f"a log was loaded from an empty data folder, though raw files are declared in {dataset.folder!r}",
            "read the raw files below `root`, or declare `folder = None` for generated data",
        )


@rule("dataset")
def splits_and_encodes(plugin: PluginUnderTest) -> None:
    """The log can be read, split by time and encoded."""
    try:
        splits = encode(plugin)
    except DataError as error:
        broken(str(error), "give the harness a log that it can split and encode")
    for name, part in splits.parts().items():
        if not part.numerical.isfinite().all():
            broken(f"the {name} split holds numbers that are not finite", "leave missing numbers missing; cap outliers")


@rule("dataset")
def deterministic(plugin: PluginUnderTest) -> None:
    """Reading twice gives the same log."""
    first = log_of(plugin)
    with restored_generators(seed=1):
        second = read(plugin)
    for name in ("tasks", "categorical", "numerical", "binned", "timestamp", "session", "user", "optimum", "weight"):
        said, again = getattr(first, name), getattr(second, name)
        if said != again:
            broken(f"{name} is {said!r}, and then {again!r}", "let nothing but files and parameters decide the log")
    shape, shape_again = ((len(frame), len(frame.columns)) for frame in (first.frame, second.frame))
    if shape != shape_again:
        broken(f"{shape} rows and columns, and then {shape_again}", SORTED)
    ids = filter(None, (first.timestamp, first.session, first.user, first.weight))
    for name in dict.fromkeys(
        [*(task.name for task in first.described_tasks), *first.categorical, *first.numerical, *first.binned, *ids]
    ):
        one, other = (frame[name].astype(object).to_numpy() for frame in (first.frame, second.frame))
        differ = (one != other) & ~(pd.isna(one) & pd.isna(other))
        if differ.any():
            row = int(differ.argmax())
            broken(f"column {name!r} holds {one[row]!r} in row {row}, and then {other[row]!r}", SORTED)


@rule("dataset")
def leaves_global_state_alone(plugin: PluginUnderTest) -> None:
    """Reading changes no global state: no generator, no folder, no environment."""
    with restored_generators():
        splits_of(plugin)
        before = _state()
        read(plugin)
        after = _state()
    for name, value in after.items():
        if value != before[name]:
            broken(f"reading the log changed {name}", "use numpy.random.default_rng(seed) and absolute paths")


def _state() -> dict[str, Any]:
    return {**generator_states(), "the current folder": Path.cwd(), "the environment": dict(os.environ)}
