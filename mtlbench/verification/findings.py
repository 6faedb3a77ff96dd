"""What a check found, as a sentence that names the cell and the file."""

from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any, Literal

from mtlbench.leaderboards.boards.naming import dataset_name, method_name
from mtlbench.records import Record
from mtlbench.text import one_line, printable

MOST = 20
"""Lines that are shown; a file that differs in more is out of date rather than edited."""
LONGEST = 2000
"""Characters of a line that are shown."""
Check = Literal[
    "schema",
    "identity",
    "checksum",
    "impossible",
    "selection",
    "page",
    "file",
    "duplicate",
    "protocol",
    "commit",
    "rerun",
]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be."""

    check: Check
    text: str
    """What is wrong and what to do."""
    file: Path
    record: Record | None = None
    """Of the cell; ``None`` where a page or a file as a whole is wrong."""
    lines: tuple[str, ...] = ()
    """Lines that differ, shown below the text."""

    @property
    def sentence(self) -> str:
        """The file, the cell and the text in one line, and below it the lines that differ."""
        where = f" {cell_name(self.record)}:" if self.record else ""
        return "\n".join([one_line(f"{self.file}:{where} {self.text}"), *self.lines])

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        cell = self.record and {
            "cell": self.record.cell,
            "method": method_name(self.record),
            "dataset": dataset_name(self.record),
            "seed": self.record.seed,
        }
        text = "\n".join([self.text, *self.lines])
        return {"check": self.check, "file": str(self.file), **(cell or {}), "text": text}


@dataclass
class Report:
    """All findings, and what is worth knowing but is no fault."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    records: int = 0
    pages: int = 0
    reruns: int = 0

    def as_json(self) -> dict[str, Any]:
        """The report for scripts."""
        return {
            "records": self.records,
            "pages": self.pages,
            "reruns": self.reruns,
            "findings": [finding.as_json() for finding in self.findings],
            "notes": [note.as_json() for note in self.notes],
        }


def cell_name(record: Record) -> str:
    """The cell as a reader looks for it: ``RMTL-PLE on KuaiRand, seed 3 (1a2b3c4d5e6f)``."""
    return f"{method_name(record)} on {dataset_name(record)}, seed {record.seed} ({record.cell[:12]})"


def different_lines(text: str, expected: str, name: str) -> tuple[str, ...]:
    """The lines in which ``text`` of the file ``name`` differs from what the records give, as ``diff`` shows them."""
    difference = unified_diff(text.splitlines(), expected.splitlines(), name, "from the records", n=0, lineterm="")
    lines = [printable(line[:LONGEST]) for line in difference]
    more = [f"and {len(lines) - MOST} further lines"] if len(lines) > MOST else []
    return (*lines[:MOST], *more)
