"""In which form the times of a log are written as text: what fits every one of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_dates import FORMS, parse
from mtlbench_plugins.datasets._table_files import CATEGORY, TableFile

EITHER = ("day first", "month first")
NUMBER = "number"
DIGITS = r"^\s*[+-]?\d+(?:\.\d*)?\s*$"


class Forms:
    """The forms that all texts seen so far fit."""

    def __init__(self) -> None:
        self.fitting = [*FORMS, NUMBER]
        self._rows = dict.fromkeys(self.fitting, 0)
        self._misfits: dict[str, tuple[Path, int, str]] = {}
        self._doubtful = False

    def see(self, path: Path, first: int, column: pa.DictionaryArray) -> None:
        """Take in a block of ``path`` that begins at row ``first``; missing values are no texts."""
        texts = column.dictionary
        indices = np.asarray(pc.fill_null(column.indices, -1))
        counts = np.bincount(indices[indices >= 0], minlength=len(texts))
        times = {form: parse(texts, form) for form in self.fitting if form != NUMBER}
        fits = {form: found.fits for form, found in times.items()}
        if NUMBER in self.fitting:
            fits[NUMBER] = np.asarray(pc.match_substring_regex(texts, pattern=DIGITS))
        for form, fitting in fits.items():
            self._rows[form] += int(counts[fitting].sum())
            bad = np.append(~fitting, False)[indices]
            if bad.any():
                self.fitting.remove(form)
                place = int(bad.argmax())
                self._misfits[form] = path, first + place, texts[int(indices[place])].as_py()
        if set(EITHER) <= set(self.fitting):
            day, month = (times[form] for form in EITHER)
            self._doubtful |= bool((day.milliseconds != month.milliseconds).any())

    @property
    def ambiguous(self) -> bool:
        """Whether day and month cannot be told apart."""
        return self._doubtful and set(EITHER) <= set(self.fitting)

    def choose(self, name: str, path: Path) -> str:
        """The form of the column ``name``, of whose files ``path`` is the first.

        Raises:
            DataError: no form fits all of it, or two do; naming file, column, row and remedy.
        """
        if self.ambiguous:
            raise DataError(
                f"{path}: timestamp {name!r} does not tell day and month apart, no day is after the 12th: say "
                '`timestamp_format = "%d/%m/%Y %H:%M"` or "%m/%d/%Y %H:%M", as it is written'
            )
        if self.fitting:
            return self.fitting[0]
        best = max(self._rows, key=lambda form: self._rows[form])
        where, row, text = self._misfits[best]
        others = f", where other rows write the {best}" if self._rows[best] and best != NUMBER else ""
        others = ", where other rows hold numbers" if self._rows[best] and best == NUMBER else others
        raise DataError(
            f"{where}: timestamp {name!r} is text, and {text[:60]!r} in row {row} is no time that can be read{others}: "
            "write it as 2024-05-31 13:45:00 (ISO 8601), say its form by `timestamp_format`, or give a number of "
            "seconds or milliseconds with `timestamp_unit`; what stands for a missing value goes into `missing`"
        )


def form_of(files: Sequence[TableFile], name: str) -> str:
    """The form in which the column ``name`` of all files is written.

    Raises:
        DataError: as :meth:`Forms.choose` says, or a file cannot be read.
    """
    forms = Forms()
    for file in files:
        for first, block in file.blocks({name: CATEGORY}):
            forms.see(file.path, first, block[name])
    return forms.choose(name, files[0].path)
