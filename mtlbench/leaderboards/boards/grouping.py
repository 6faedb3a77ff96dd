"""From records to boards: what may be compared, and under which name."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from mtlbench.config.parameters import params_text
from mtlbench.leaderboards.boards.aggregation import machine, optimum_row, row_of
from mtlbench.leaderboards.boards.board import Board
from mtlbench.leaderboards.boards.budgets import at_one_budget
from mtlbench.leaderboards.boards.columns import columns_of, needs_two_tables, primaries_of
from mtlbench.leaderboards.boards.equality import equal_rows
from mtlbench.leaderboards.boards.naming import (
    apart,
    canonical,
    dataset_name,
    key_of,
    method_name,
    natural,
    told_apart,
)
from mtlbench.leaderboards.boards.standing import placed, printed, reference
from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.records.tuned import is_tuned


def boards(records: Iterable[Record]) -> list[Board]:
    """Group ``records`` into boards, sorted by dataset; the order of the records does not matter.

    Records that come from an iterator, which nobody else keeps, are freed board by board.

    Records that differ in protocol, dataset parameters or fingerprint, preset or training are on different boards,
    whose titles say what differs. Records whose methods differ in any parameter are in different rows.

    A row that lacks a seed which another row of the board has is never ranked.
    """
    groups = _grouped(sorted(records, key=lambda record: (record.seed, record.cell)), _board_objects, board_key)
    titles = _titles([group[0] for group in groups.values()])
    found = [_board(title, groups.pop(key)) for title, key in zip(titles, list(groups), strict=True)]
    return sorted(found, key=lambda board: (natural(board.title), canonical(board.settings)))


def _grouped(
    records: Sequence[Record], objects: Callable[[Record], Hashable], key: Callable[[Record], str]
) -> dict[str, list[Record]]:
    """The records of each ``key``, which is made once for those of the same ``objects``.

    Compact records share what is equal, so that few keys have to be made.
    """
    groups = defaultdict(list)
    keys: dict[Hashable, str] = {}
    for record in records:
        shared = objects(record)
        if shared not in keys:
            keys[shared] = key(record)
        groups[keys[shared]].append(record)
    return groups


def _board_objects(record: Record) -> Hashable:
    """What :func:`board_key` depends on."""
    return id(record.dataset), id(record.training), record.preset, record.protocol


def comparable(found: Iterable[Board]) -> list[list[Board]]:
    """The boards that share preset, training and protocol, together."""
    groups: dict[str, list[Board]] = defaultdict(list)
    for board in found:
        groups[canonical(board.settings)].append(board)
    return list(groups.values())


def board_key(record: Record | Search) -> str:
    """Equal for records that are on one board, and for the searches of their tuned rows."""
    return canonical([_settings(record), key_of(record.dataset), record.dataset.fingerprint])


def searches_on(board: Board, searches: Iterable[Search]) -> list[Search]:
    """Those of ``searches`` whose tuned rows are on ``board``."""
    key = board_key(board.sample)
    return [search for search in searches if board_key(search) == key]


def _settings(record: Record | Search) -> dict[str, Any]:
    # The allowance differs from block to block; that all methods of a block have the same is what the budget says.
    training = {name: value for name, value in record.training.items() if name != "allowance"}
    return {"preset": record.preset, **training, "protocol": record.protocol}


def _titles(samples: Sequence[Record]) -> list[str]:
    """The dataset, and what tells its boards apart: parameters and settings, else the fingerprint."""
    titles = [dataset_name(sample) for sample in samples]
    for name in {sample.dataset.name for sample in samples}:
        places = [i for i, sample in enumerate(samples) if sample.dataset.name == name]
        shown = {param for i in places for param in samples[i].dataset.changed}
        settings = [{**samples[i].dataset.params, **_settings(samples[i])} for i in places]
        for i, different in zip(places, apart(settings), strict=True):
            text = params_text({key.replace("_", " "): value for key, value in different.items() if key not in shown})
            titles[i] += f", {text}" if text else ""
    alike = Counter(titles)
    return [
        f"{title}, data={sample.dataset.fingerprint[:8]}" if alike[title] > 1 else title
        for title, sample in zip(titles, samples, strict=True)
    ]


def _board(title: str, together: Sequence[Record]) -> Board:
    records = at_one_budget(together)
    sample = next((record for record in records if record.status == "done"), records[0])
    columns, primaries = columns_of(records, sample.dataset), primaries_of(sample.dataset)
    seeds = tuple(sorted({record.seed for record in records}))
    methods = _grouped(records, _method_objects, method_key).values()
    placed_methods = sorted(((_order(group[0]), group) for group in methods), key=itemgetter(0))
    ordered = [group for _, group in placed_methods]
    names = _names([group[0] for group in ordered])
    rows = [
        row_of(name, order, group, columns, seeds) for name, (order, group) in zip(names, placed_methods, strict=True)
    ]
    # A tuned row has the cells that report it, which may be those of a row of its own too.
    name_of = {
        record.cell: name
        for name, group in zip(names, ordered, strict=True)
        for record in group
        if not is_tuned(record)
    }
    rows = [replace(row, controls=_controls(group, name_of)) for row, group in zip(rows, ordered, strict=True)]
    rows = printed([*equal_rows(rows), *optimum_row(records, columns)], columns)
    rows = placed(rows, columns, primaries if needs_two_tables(sample.dataset) else columns, primaries)
    base = reference(rows)
    return Board(
        title=title,
        settings=_settings(sample),
        sample=sample,
        columns=columns,
        seeds=seeds,
        machines=tuple(sorted({machine(record) for record in records if record.status == "done"})),
        rows=tuple(rows),
        reference=base.method if base else "",
    )


def method_key(record: Record) -> str:
    """Equal for the records of one row."""
    return canonical([record.method, key_of(record.backbone, record.weighting)])


def _method_objects(record: Record) -> Hashable:
    """What :func:`method_key` depends on."""
    return record.method, id(record.backbone), id(record.weighting)


def _controls(records: Sequence[Record], name_of: Mapping[str, str]) -> tuple[str, ...]:
    """The rows that control that of ``records``, in the method's own order."""
    cells = [cell for record in records for cell in record.controls]
    return tuple(dict.fromkeys(name_of[cell] for cell in cells if cell in name_of))


def _order(record: Record) -> tuple[Any, ...]:
    backbone, weighting = record.backbone, record.weighting
    changed = params_text(backbone.changed), params_text(weighting.changed)
    labels = [weighting.label, backbone.label, *changed, params_text(backbone.params), params_text(weighting.params)]
    return not record.baseline, *map(natural, labels), record.method


def _names(samples: Sequence[Record]) -> list[str]:
    """Displayed names; where only what they leave out makes the difference, that is added in parentheses."""
    return told_apart([method_name(sample) for sample in samples], [_identity(sample) for sample in samples])


def _identity(record: Record) -> dict[str, Any]:
    identity: dict[str, Any] = {}
    for kind, use in (("backbone", record.backbone), ("weighting", record.weighting)):
        identity |= {kind: use.name, **{f"{use.name}.{name}": value for name, value in use.params.items()}}
    return identity
