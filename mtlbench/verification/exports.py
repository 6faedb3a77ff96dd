"""Whether the files beside a page - CSV, JSON, Parquet, LaTeX - say what its records give."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.leaderboards import WRITERS, Table
from mtlbench.leaderboards.formats.export import CONTRAST, KEY, READERS
from mtlbench.leaderboards.formats.latex import options_of
from mtlbench.leaderboards.publishing import rebuilt_tables
from mtlbench.verification.findings import Finding, different_lines
from mtlbench.verification.folders import Collection
from mtlbench.verification.material import Material

REBUILD = "build it anew with `mtlbench leaderboard build --format {}`"
MOST = 20
"""Differences of a file that are listed."""


def export_findings(collection: Collection, material: Material) -> Iterator[Finding]:
    """What differs between each file of numbers and one built from the records.

    A file of numbers may have been built with other options than the page. So the order of its rows does not count, and
    comparisons count only where they are with the baseline of the records' own.
    """
    for name in WRITERS:
        path = collection.page.with_suffix(f".{name}")
        if name == "md" or not path.is_file():
            continue
        try:
            content = path.read_bytes()
            options = options_of(content.decode(errors="replace")) if name == "tex" else ()
            tables = rebuilt_tables(material.records, options, material.searches)
            if name in READERS:
                yield from _different_rows(path, name, content, tables)
            else:
                yield from _different_text(path, name, content, WRITERS[name](tables, options))
        except OSError as error:
            yield Finding("file", f"it cannot be read: {error.strerror}; check its permissions", path)
        except UsageError as error:
            yield Finding("file", str(error), path)


def _different_text(path: Path, name: str, content: bytes, expected: bytes) -> Iterator[Finding]:
    if content != expected:
        told = f"it does not read as the records give it: it was edited or is out of date; {REBUILD.format(name)}"
        shown = different_lines(content.decode(errors="replace"), expected.decode(), path.name)
        yield Finding("file", told, path, lines=shown)


def _different_rows(path: Path, name: str, content: bytes, tables: Sequence[Table]) -> Iterator[Finding]:
    remedy = REBUILD.format(name)
    wanted = _by_key(READERS[name](WRITERS[name](tables)))
    try:
        shown = _by_key(READERS[name](content))
    except Exception as error:  # each reader has errors of its own for what is no file of its format
        yield Finding("file", f"it is no {name} file of a leaderboard: {error}; {remedy}", path)
        return
    found = [*_differences(shown, wanted)]
    for text in found[:MOST]:
        yield Finding("file", f"{text}: it was edited or is out of date; {remedy}", path)
    if len(found) > MOST:
        yield Finding("file", f"and {len(found) - MOST} further differences; {remedy}", path)


def _by_key(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The rows by what they are of: board, method, task and metric."""
    return {", ".join(str(row[part]) for part in KEY): row for row in rows}


def _differences(shown: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key, row in wanted.items():
        if key not in shown:
            yield f"{key}: the row is missing, and there are records of it"
            continue
        for field in row:
            now = shown[key].get(field)
            if _counts(field, shown[key], row) and json.dumps(now, default=str) != json.dumps(row[field], default=str):
                yield f"{key}: {field} is {now!r}, the records give {row[field]!r}"
    for key in shown:
        if key not in wanted:
            yield f"{key}: there are no records of this row"


def _counts(field: str, shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a field is the same under any options: all but comparisons with another baseline."""
    place = "_2" if field.endswith("_2") else ""
    versus = f"versus{place}"
    return field.removesuffix(place) not in (*CONTRAST, "flags") or shown.get(versus) == wanted[versus]
