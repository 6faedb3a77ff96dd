"""What a check found, as a sentence that names the cell and the file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mtlbench.leaderboards.boards.naming import dataset_name, method_name
from mtlbench.records import Record

Check = Literal["schema", "identity", "checksum", "page", "selection", "duplicate", "protocol", "commit", "rerun"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be."""

    check: Check
    text: str
    """What is wrong and what to do."""
    file: Path
    record: Record | None = None
    """Of the cell; ``None`` where a page or a file as a whole is wrong."""

    @property
    def sentence(self) -> str:
        """The file, the cell and the text."""
        where = f" {cell_name(self.record)}:" if self.record else ""
        return f"{self.file}:{where} {self.text}"

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        cell = self.record and {
            "cell": self.record.cell,
            "method": method_name(self.record),
            "dataset": dataset_name(self.record),
            "seed": self.record.seed,
        }
        return {"check": self.check, "file": str(self.file), **(cell or {}), "text": self.text}


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
