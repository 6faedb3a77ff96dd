"""What a page is made of: the records of its rows with their files, and the searches behind tuned rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.records.tuned import with_tuned_rows
from mtlbench.verification.folders import Stored


@dataclass(frozen=True)
class Material:
    """The records of a page's rows, and the searches behind its tuned ones."""

    rows: tuple[Stored, ...]
    """A record of a tuned row has the file of the cell that reports it."""
    searches: tuple[Search, ...]

    @classmethod
    def of(cls, stored: Sequence[Stored], searches: Sequence[Search]) -> "Material":
        """The material in the records of one collection."""
        paths = {one.record.cell: one.path for one in stored}
        rows = with_tuned_rows((one.record for one in stored), searches)
        return cls(
            tuple(Stored(paths.get(record.cell, stored[0].path.parent), record) for record in rows), tuple(searches)
        )

    @property
    def records(self) -> list[Record]:
        """Those of the rows."""
        return [one.record for one in self.rows]
