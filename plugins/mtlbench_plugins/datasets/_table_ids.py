"""One id for one thing, however its file spells it: a whole float is the integer, NaN is missing, True is true."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

EXACT = {pa.float16(): 2.0**11, pa.float32(): 2.0**24, pa.float64(): 2.0**53}
"""Whole numbers below this are all told apart by the type."""

EXPONENT = r"-?\d(?:\.\d*)?[eE]\+\d+|-?\d\.\d+[eE]\d+"
"""How programs write large floats: with a sign or a point, which a hexadecimal id has not."""
NUMBER = rf"-?\d+\.0*|{EXPONENT}"
OTHER_SPELLING = rf"^(?:{NUMBER}|-0|(?i:true|false))$"
"""Texts that may stand for an id which is spelt otherwise elsewhere."""


@dataclass(frozen=True)
class Ids:
    """A column of ids."""

    column: pa.DictionaryArray
    """Each id as its one text."""
    inexact: NDArray[np.bool_] | None
    """The rows whose id was a float too large to tell neighbouring numbers apart; ``None`` where there are none."""


def ids(column: pa.DictionaryArray) -> Ids:
    """The ids of a column whose values are texts or floats."""
    values = column.dictionary
    texts, inexact = _of_floats(values) if pa.types.is_floating(values.type) else _of_texts(values)
    if texts is values:
        return Ids(column, None)
    encoded = texts.dictionary_encode()
    indices = column.indices if texts.equals(encoded.dictionary) else encoded.indices.take(column.indices)
    found = pa.DictionaryArray.from_arrays(indices.cast(pa.int32()), encoded.dictionary)
    if not inexact.any():
        return Ids(found, None)
    return Ids(found, np.asarray(pc.fill_null(pa.array(inexact).take(column.indices), False)))


def spelling(text: str) -> str:
    """The one text of an id."""
    [found] = _of_texts(pa.array([text]))[0].to_pylist()
    return str(found)


def _of_floats(values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = np.floor(numbers) == numbers
    texts = values.cast(pa.string())
    for kind, low, high in ((np.int64, -(2.0**63), 2.0**63), (np.uint64, 2.0**63, 2.0**64)):
        fits = whole & (numbers >= low) & (numbers < high)
        integers = pa.array(np.where(fits, numbers, 0).astype(kind)).cast(pa.string())
        texts = pc.if_else(pa.array(fits), integers, texts)
    texts = pc.if_else(pa.array(np.isnan(numbers)), pa.scalar(None, pa.string()), texts)
    return texts, whole & np.isfinite(numbers) & (np.abs(numbers) >= EXACT[values.type])


def _of_texts(values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    others = pc.fill_null(pc.match_substring_regex(values, pattern=OTHER_SPELLING), False)
    inexact = np.zeros(len(values), dtype=bool)
    if not pc.any(others).as_py() and not values.null_count:
        return values, inexact
    texts = pc.replace_substring_regex(values, pattern=r"^(-?(?:0|[1-9]\d*))\.0*$", replacement=r"\1")
    texts = pc.if_else(pc.match_substring_regex(texts, pattern="^(?i:true|false)$"), pc.utf8_lower(texts), texts)
    texts = pc.if_else(pc.equal(texts, "-0"), "0", texts)
    floats = pc.and_(others, pc.match_substring_regex(values, pattern=rf"^-?\d{{16,}}\.|^(?:{EXPONENT})$"))
    if pc.any(floats).as_py():
        found = texts.to_pylist()
        for place in np.flatnonzero(floats):
            number = float(values[int(place)].as_py())
            inexact[place] = abs(number) >= EXACT[pa.float64()]
            if number.is_integer() and abs(number) < 2**64 and "e" in found[place].lower():
                found[place] = str(int(number))
        texts = pa.array(found, pa.string())
    return texts, inexact
