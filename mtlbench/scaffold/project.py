"""A folder to work in: the description of a user's own log, and a first study on it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.files import replacing
from mtlbench.text import one_line

DESCRIPTION, STUDY, RESULTS = "log.toml", "study.toml", "results"

BACKBONES = ("shared-bottom",)
WEIGHTINGS = ("constant", "uncertainty", "pcgrad")
"""The baseline, a method that reads losses, and one that reads gradients."""
SEEDS, PATIENCE, MOST_EPOCHS = 3, 2, 20
ROWS_OF_A_CELL = 2_000_000
"""Rows of the log times epochs after which a cell of a first study ends: the study takes minutes on two cores."""
LARGEST = 5_000_000
"""Rows of a log from which even one epoch of a first study takes longer than somebody waits."""


def first_study(dataset: str, rows: int, backbones: Sequence[str], weightings: Sequence[str]) -> dict[str, Any]:
    """The keys of a study on the log ``dataset`` of ``rows`` rows; the larger the log, the fewer epochs it has."""
    return {
        "datasets": dataset,
        "backbones": list(backbones or BACKBONES),
        "weightings": list(weightings or WEIGHTINGS),
        "seeds": SEEDS,
        "epochs": min(MOST_EPOCHS, max(1, ROWS_OF_A_CELL // max(1, rows))),
        "patience": PATIENCE,
        "out": RESULTS,
    }


def study_text(study: Mapping[str, Any], command: str, rows: int) -> str:
    """The TOML of a first study, with comments.

    Args:
        study: its keys.
        command: what runs it.
        rows: of the log, all of which are used.
    """
    why = {
        "datasets": "what the columns of the log mean; paths in this file start at its folder",
        "backbones": "`mtlbench list backbones` shows all",
        "weightings": "`mtlbench list weightings` shows all",
        "seeds": "a result needs 10",
        "epochs": f"at most; few, so that {rows:,} rows take minutes: a result needs 40",
        "patience": "a cell ends after so many epochs without a better validation score; a result needs 5",
        "out": "records, the leaderboard and the report",
    }
    head = [
        "# A first study: it shows that everything works. A result needs more epochs and seeds.",
        "# This command goes on with it; what is recorded already does not run again:",
        f"#   {one_line(command)}",
    ]
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}  # {why[key]}" for key, value in study.items()]
    return "\n".join([*head, *lines]) + "\n"


def require_apart(folder: Path, log: Path) -> None:
    """Refuse a folder inside that of the log, of which what a study writes would become a part.

    Raises:
        UsageError: it is inside.
    """
    if log.is_dir() and folder.resolve().is_relative_to(log.resolve()):
        raise UsageError(f"{folder} is in the folder of the log, {log}: name a folder beside it after --out")


def require_free(folder: Path, command: str) -> None:
    """Refuse a folder that has files, which a new project might overwrite or mix with its own.

    Args:
        folder: of the new project.
        command: what goes on with a study that is there.

    Raises:
        UsageError: it has files, or is none.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a new folder after --out")
    if (folder / STUDY).exists():
        raise UsageError(
            f"{folder} has a study already: `{command}` goes on with it; name another folder after --out, or write "
            f"{DESCRIPTION} and {STUDY} anew with --force"
        )
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} has files already: name a new folder after --out, or add --force to write there")


def write_project(folder: Path, description: str, study: str) -> None:
    """Write the description and the study into ``folder``, in place of those that are there.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((DESCRIPTION, description), (STUDY, study)):
            with replacing(folder / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; name another folder after --out") from error
