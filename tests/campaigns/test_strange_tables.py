"""The campaign of strange tables: refused with value and remedy and nothing written, or encoded as pandas would.

Each input is made from its number. A sample runs with the other tests; the whole is
``MTLBENCH_STRANGE_TABLES=420 pytest -n 0 -s tests/campaigns/test_strange_tables.py``: 420 inputs of each of thirteen
kinds. What is expected comes from what the generator knows of each row, by pandas, numpy and scikit-learn alone.
"""

import os
import random
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score
from strange_tables import KINDS, Input
from test_bad_input import in_time

from mtlbench.api import Splits
from mtlbench.cells import Training
from mtlbench.cli import main
from mtlbench.data import load
from mtlbench.errors import MtlbenchError
from mtlbench.training import BackboneTrainer
from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.datasets.table import Table
from mtlbench_plugins.weightings.constant import Constant

INPUTS = int(os.environ.get("MTLBENCH_STRANGE_TABLES", "9"))
LONGEST_ANSWER = 20_000
"""Characters that a command may print of a table."""


@pytest.mark.parametrize("kind", KINDS)
def test_strange_tables_are_refused_with_a_remedy_or_encoded_as_pandas_would(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "cache"))
    counts: Counter[str] = Counter()
    for number in range(INPUTS):
        given = KINDS[kind](random.Random(f"{kind} {number}"))
        folder = tmp_path / str(number)
        path = given.write(folder / "log")
        try:
            with in_time():
                outcome = _outcome(given, path, folder, number)
                counts[outcome] += 1
                if number % 10 == 0:
                    _check_commands(given, path, folder, outcome, capsys)
        except BaseException as error:
            raise AssertionError(f"{kind}, input {number}: {type(error).__name__}: {error}") from error
        shutil.rmtree(folder)
    with capsys.disabled():
        print(f"\n{given.kind}: {counts.total()} inputs: {dict(counts)}")


def _outcome(given: Input, path: Path, folder: Path, number: int) -> str:
    cache = folder / "cache"
    before = sorted(folder.rglob("*"))
    with np.errstate(all="raise", under="ignore"):
        try:
            splits = load(Table(Table.Params(schema_=path)), folder, cache)
        except MtlbenchError as error:
            _check_refusal(given, str(error))
            left = [one for one in folder.rglob("*") if one not in before and one.name != "file-hashes.json"]
            assert left in ([], [cache]), left
            return "refused"
    assert not given.refusals, f"it is taken for good, and should be refused: {given.refusals}"
    _check_splits(given, splits)
    if number % 50 == 0:
        _check_scores(splits)
    return "accepted"


def _check_scores(splits: Splits) -> None:
    """AUC and logloss of a trained network are those that scikit-learn finds for its logits and probabilities.

    The sigmoid of one logit can differ in its last bit from row to row, so that probabilities break ties of logits.
    """
    torch.manual_seed(0)  # an input is tried with the same network whatever ran before
    backbone = SharedBottom(splits.schema, SharedBottom.Params(embedding=4, bottom=[8], tower=[4]))
    trainer = BackboneTrainer(backbone, splits, Training(epochs=1, batch_size=64), seed=0)
    Constant(Constant.Params()).fit(trainer)
    for split in (splits.validation, splits.test):
        scores, logits = trainer.scores(split), trainer.infer(split).double()
        probabilities = torch.sigmoid(logits).numpy()
        for place, task in enumerate(splits.schema.task_names):
            labels = split.labels.numpy()[:, place]
            assert scores[task]["auc"] == pytest.approx(roc_auc_score(labels, logits[:, place]), abs=1e-9)
            assert scores[task]["logloss"] == pytest.approx(log_loss(labels, probabilities[:, place]), rel=1e-4)


def _check_commands(given: Input, path: Path, folder: Path, outcome: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a user sees of a refusal, and of what `describe` finds in the same file."""
    commands = [["data", "describe", str(file)] for file in sorted(path.parent.glob("part*"))[:1]]
    if outcome == "refused":
        out = folder / "results"
        run = ["run", "--dataset", f"table[schema='{path}']", "--backbone", "shared-bottom", "--weighting", "constant"]
        commands.append([*run, "--out", str(out)])
    for command in commands:
        with pytest.raises(SystemExit) as end:
            main(command)
        printed = capsys.readouterr()
        assert end.value.code in {0, None, 2}
        assert len(printed.err) < LONGEST_ANSWER
        assert len(printed.out) < LONGEST_ANSWER
        if command[0] == "run":
            assert end.value.code == 2
            assert "error: " in printed.err
            assert not list(out.rglob("*.json"))


def _check_refusal(given: Input, message: str) -> None:
    patterns = [*given.refusals, *given.doubts]
    if found := re.search(r"task '(\w+)' has one class in the (\w+) split", message):
        start, stop = {"train": (0, 6), "validation": (6, 8), "test": (8, 10)}[found[2]]
        rows = len(given.truth)
        part = given.truth.sort_values("time")[found[1]].iloc[rows * start // 10 : rows * stop // 10]
        assert part.nunique() == 1
        return
    assert any(re.search(pattern, message, re.DOTALL) for pattern in patterns), (
        f"refused by {message[:600]!r}, where only {patterns} would be right"
    )


# What is right, without mtlbench.


def _check_splits(given: Input, splits: Splits) -> None:
    frame, tasks = given.truth, [task["name"] if isinstance(task, dict) else task for task in given.keys["tasks"]]
    rows = len(frame)
    sizes = {"train": rows * 6 // 10, "validation": rows * 8 // 10 - rows * 6 // 10, "test": rows - rows * 8 // 10}
    parts = splits.parts()
    assert {name: len(part) for name, part in parts.items()} == sizes
    assert list(splits.schema.task_names) == tasks
    assert splits.facts["rows"] == rows
    for pattern in given.warnings:
        assert any(re.search(pattern, text) for text in splits.warnings), f"no warning of {pattern!r}"
    timed = "timestamp" in given.keys
    if timed:
        times = np.concatenate([part.timestamp.numpy() for part in parts.values()])
        np.testing.assert_array_equal(times, np.sort(frame["time"].to_numpy()))
    if "user" in given.keys and not given.inexact:
        assert splits.facts["users"] == frame["user"].nunique()
    _check_rows_are_the_rows(given, splits, tasks)
    _check_doubts(given, splits, tasks)
    if timed and frame["time"].is_unique:
        _check_in_order(given, splits, frame.sort_values("time", ignore_index=True), tasks)
    elif timed:
        _check_ties(given, splits, tasks)


def _check_rows_are_the_rows(given: Input, splits: Splits, tasks: list[str]) -> None:
    """The rows of all splits together are those of the log, whatever their order."""
    labels = np.concatenate([part.labels.numpy() for part in splits.parts().values()])
    found = pd.DataFrame(labels, columns=tasks)
    wanted = given.truth[tasks].astype(float)
    if "timestamp" in given.keys:
        found["time"] = np.concatenate([part.timestamp.numpy() for part in splits.parts().values()])
        wanted["time"] = given.truth["time"]
    assert Counter(map(tuple, found.to_numpy(float))) == Counter(map(tuple, wanted.to_numpy(float)))
    for name, part in splits.parts().items():
        for place, task in enumerate(tasks):
            rate = splits.facts[f"rate.{name}.{task}"]
            assert rate == pytest.approx(part.labels.numpy()[:, place].mean(), abs=1e-6)


def _check_in_order(given: Input, splits: Splits, ordered: pd.DataFrame, tasks: list[str]) -> None:
    """Where no two rows have one time, each row of each split is known."""
    train = splits.schema and len(splits.train)
    start = 0
    for name, part in splits.parts().items():
        rows = ordered.iloc[start : start + len(part)]
        np.testing.assert_array_equal(part.labels.numpy(), rows[tasks].to_numpy(np.float32))
        for task in tasks:
            assert splits.facts[f"rate.{name}.{task}"] == pytest.approx(rows[task].mean())
        start += len(part)
    columns = {field.name: place for place, field in enumerate(splits.schema.categorical)}
    if not given.inexact:
        for name, place in columns.items():
            codes = np.concatenate([part.categorical.numpy()[:, place] for part in splits.parts().values()])
            known = ordered[name].iloc[:train].unique()
            assert splits.schema.categorical[place].cardinality == len(known) + 1, f"vocabulary of {name}"
            np.testing.assert_array_equal(codes == 0, ~ordered[name].isin(known).to_numpy(), err_msg=f"unknown {name}")
            _same_groups(codes[codes > 0], ordered[name].to_numpy()[codes > 0], name)
        if "user" in given.keys:
            users = np.concatenate([part.user.numpy() for part in splits.parts().values()])
            _same_groups(users, ordered["user"].to_numpy(), "user")
        if {"session", "session_rule"} & given.keys.keys():
            _check_sessions(splits, ordered)
    _check_numbers(given, splits, ordered, int(train))


def _check_sessions(splits: Splits, ordered: pd.DataFrame) -> None:
    start = sessions = 0
    for name, part in splits.parts().items():
        wanted = ordered["session"].iloc[start : start + len(part)].reset_index(drop=True)
        _same_groups(part.session.numpy(), wanted.to_numpy(), f"session in {name}")
        np.testing.assert_array_equal(part.position.numpy(), wanted.groupby(wanted).cumcount().to_numpy())
        last = ~wanted.duplicated(keep="last").to_numpy()
        np.testing.assert_array_equal(part.done.numpy(), last)
        sessions += wanted.nunique()
        start += len(part)
    assert splits.facts["sessions"] == sessions


def _same_groups(found: Any, wanted: Any, what: str) -> None:
    np.testing.assert_array_equal(pd.factorize(found)[0], pd.factorize(wanted)[0], err_msg=what)


def _check_numbers(given: Input, splits: Splits, ordered: pd.DataFrame, train: int) -> None:
    """z-scores by the mean and the deviation of the training rows, in numbers of a wider range."""
    values = ordered["price"].to_numpy(np.longdouble)
    seen = values[:train][~np.isnan(values[:train])]
    scores = (values - seen.mean()) / seen.std() if len(seen) and seen.min() < seen.max() else np.zeros_like(values)
    found = np.concatenate([part.numerical.numpy()[:, 0] for part in splits.parts().values()])
    wanted = np.where(np.isnan(values), 0, scores).astype(np.float32)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=f"price of {given.kind}")


def _check_ties(given: Input, splits: Splits, tasks: list[str]) -> None:
    """The share tied at a boundary is a fact, and says how many rows could as well be on the other side."""
    times = given.truth["time"].sort_values(ignore_index=True)
    start = 0
    for name, part in splits.parts().items():
        if name != "train":
            tied = (times == times[start]).mean() if times[start - 1] == times[start] else 0
            assert splits.facts.get(f"tied_at_the_start_of.{name}", 0) == pytest.approx(tied)
        # Rows whose time is in this split alone are known.
        own = set(times[start : start + len(part)]) - set(times[:start]) - set(times[start + len(part) :])
        mine = given.truth[given.truth["time"].isin(own)]
        found = part.labels.numpy()[np.isin(part.timestamp.numpy(), list(own))]
        assert Counter(map(tuple, found)) == Counter(map(tuple, mine[tasks].to_numpy(np.float32)))
        start += len(part)


def _check_doubts(given: Input, splits: Splits, tasks: list[str]) -> None:
    """A warning of leaks, copied labels and repeated rows where a count says so, and none where it does not."""
    said = " ".join(splits.warnings)
    frame = given.truth
    copied = [
        (one, other)
        for place, one in enumerate(tasks)
        for other in tasks[place + 1 :]
        if (frame[one] == frame[other]).all() or (frame[one] != frame[other]).all()
    ]
    assert ("a label is the copy of another" in said) == bool(copied), (copied, said)
    if "timestamp" not in given.keys:
        train, test = (_contents(splits, name, tasks) for name in ("train", "test"))
        share = test.isin(set(train)).mean()
        assert splits.facts.get("test_rows_in_training", 0) == pytest.approx(share)
        assert ("of the test rows equal a training row" in said) == (share >= 0.01)
        return
    if given.kind != "leaks and copies" or not frame["time"].is_unique:
        return
    train = frame.sort_values("time").iloc[: len(splits.train)]
    for column in ("price", "item"):
        exact = max(roc_auc_score(train["click"], train[column]), roc_auc_score(1 - train["click"], train[column]))
        if exact == 1 and (len(train) > 800 or train[column].nunique() == 2):  # a short log says too little
            assert f"'{column}' predicts 'click'" in said, said
        if exact < 0.9:
            assert f"'{column}' predicts 'click'" not in said, said


def _contents(splits: Splits, name: str, tasks: list[str]) -> "pd.Series[Any]":
    part = splits.parts()[name]
    columns = [part.categorical.numpy(), part.numerical.numpy(), part.labels.numpy(), part.user.numpy()[:, None]]
    return pd.Series([tuple(row) for row in np.concatenate(columns, axis=1)])
