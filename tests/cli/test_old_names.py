"""A plugin that uses a name of an older interface is shown with the new name, by every command that meets it."""

from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

METHOD = weighting("old") + "\n    def {old}(self):\n        return api.Source('constant')\n"
IMPORTED = "from mtlbench.api import Lender\n" + weighting("old")
SETUP = weighting("old") + "\n    def setup(self, trainer):\n        self.tasks = trainer.schema.tasks\n"
ATTRIBUTE = weighting("old") + "\n\nLender = api.Lender\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (METHOD.format(old="start"), "TypeError: Mine.start has a new name: use warm_start"),
        (METHOD.format(old="lender"), "TypeError: Mine.lender has a new name: use source"),
        (
            SETUP,
            "TypeError: Mine.setup(trainer) has a new argument: write setup(setting), and read setting.tasks, device, "
            "learning_rate, train and losses(step) (mtlbench.api.Setting); only fit(trainer) sees the trainer",
        ),
        (IMPORTED, "ImportError: mtlbench.api.Lender has a new name: use SourceCheckpoint"),
        (ATTRIBUTE, "ImportError: mtlbench.api.Lender has a new name: use SourceCheckpoint"),
    ],
    ids=["start", "lender", "setup", "import", "attribute"],
)
def test_a_plugin_with_an_old_name_is_broken_and_told_the_new(
    mtlbench: Any, tmp_path: Path, source: str, reason: str
) -> None:
    file = write(tmp_path, "old.py", source)
    listed = mtlbench("list", "--plugin", file)
    assert listed.code == 0
    assert f"broken (1)\nold (kind unknown) {file}: {reason}\n" in listed.out
    for command in (["info", "weighting", "old"], ["run", "--weighting", "old", "--dry-run"]):
        result = mtlbench(*command, "--plugin", file)
        assert (result.code, result.out) == (2, "")
        assert f"{file}: {reason}" in result.err


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("trainer.report('loss', 1.0)", "trainer.report has a new name: use log_scalar"),
        ("trainer.borrow(['train'])", "trainer.borrow has a new name: use reuse"),
    ],
)
def test_a_cell_that_uses_an_old_method_of_the_trainer_fails_with_the_new_name(
    mtlbench: Any, tmp_path: Path, cache_dir: Path, call: str, reason: str
) -> None:
    file = write(tmp_path, "old.py", f"{weighting('old')}\n    def fit(self, trainer):\n        {call}\n")
    cell = "--weighting", "old", "--backbone", "shared-bottom", "--dataset", "synthetic[rows=2000]", "--seeds", 1
    result = mtlbench("run", *cell, "--jobs", 1, "--epochs", 1, "--out", tmp_path / "out", "--plugin", file)
    assert result.code == 1
    assert reason in " ".join(result.err.split())
