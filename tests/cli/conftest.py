"""The command line, run in this process through its own entry point."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtlbench.cli import main

# Records for tests are made where the leaderboards are tested.
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "leaderboards"))


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def mtlbench(capsys: pytest.CaptureFixture[str]) -> Command:
    """Call ``mtlbench`` with arguments."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(int(end.value.code or 0), captured.out, captured.err)

    return call
