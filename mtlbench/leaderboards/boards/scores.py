"""What of a board can be compared with another: the conditions, and the scores of each method and seed.

A leaderboard page carries this as JSON, so that a page alone is as good a reference as the records it was made of.
"""

import json
from collections.abc import Iterable
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError, field_validator, model_validator

from mtlbench.config.parameters import spec_text
from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.board import Board, Row, RowState
from mtlbench.leaderboards.boards.columns import Column
from mtlbench.leaderboards.boards.naming import canonical, key_of
from mtlbench.records import PluginUse
from mtlbench.records.schema import Strict
from mtlbench.tasks.metrics import METRICS


class Use(Strict):
    """A plugin as it was used."""

    name: str
    label: str
    params: dict[str, Any]
    changed: dict[str, Any]
    source: str
    """sha256 of its source file."""

    @property
    def spec(self) -> str:
        """As one types it: ``rmtl[lambda=0.5]``."""
        return spec_text(self.name, self.changed)


class MethodScores(Strict):
    """One method."""

    method: str
    state: RowState
    baseline: bool
    backbone: Use
    weighting: Use
    seeds: tuple[int, ...]
    """Those that have scores."""
    scores: tuple[tuple[float, ...] | None, ...]
    """For each column of the board a score per seed; ``None`` where a seed has none."""

    @model_validator(mode="after")
    def _has_a_score_of_every_seed(self) -> Self:
        if any(scores is not None and len(scores) != len(self.seeds) for scores in self.scores):
            raise ValueError(f"{self.method} does not have a score of every seed")
        return self

    @property
    def key(self) -> str:
        """Equal for the same method under any name."""
        return key_of(self.backbone, self.weighting)


class BoardScores(Strict):
    """One board."""

    title: str
    dataset: Use
    fingerprint: str
    conditions: dict[str, Any]
    """Preset, training and protocol."""
    columns: tuple[Column, ...]
    """All of metrics that are known here."""
    methods: tuple[MethodScores, ...]

    @field_validator("columns")
    @classmethod
    def _are_known(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        for _, metric in columns:
            if metric not in METRICS:
                raise ValueError(f"this mtlbench does not know the metric {metric!r}")
        return columns

    @model_validator(mode="after")
    def _has_scores_of_every_column(self) -> Self:
        if any(len(method.scores) != len(self.columns) for method in self.methods):
            raise ValueError(f"a method of {self.title} does not have scores of every column")
        return self

    @property
    def key(self) -> str:
        """Equal for boards of the same data and conditions, and for their records (:func:`board_key`)."""
        return canonical([self.conditions, key_of(self.dataset), self.fingerprint])

    def by_seed(self, method: MethodScores, column: Column) -> dict[int, float]:
        """The score of each of the method's seeds; empty where it has none."""
        scores = method.scores[self.columns.index(column)]
        return dict(zip(method.seeds, scores, strict=True)) if scores else {}

    def all_of(self, column: Column) -> list[float]:
        """The scores of all methods and seeds in a column."""
        return [score for method in self.methods for score in self.by_seed(method, column).values()]


_BOARDS = TypeAdapter(tuple[BoardScores, ...])


def board_scores(board: Board) -> BoardScores:
    """What of ``board`` can be compared."""
    sample = board.sample
    return BoardScores(
        title=board.title,
        dataset=_use(sample.dataset),
        fingerprint=sample.dataset.fingerprint,
        conditions=board.settings,
        columns=board.columns,
        methods=tuple(_method(row, board) for row in board.rows if row.sample),
    )


def _method(row: Row, board: Board) -> MethodScores:
    assert row.sample is not None  # all but the optimum have one
    return MethodScores(
        method=row.method,
        state=row.state,
        baseline=row.baseline,
        backbone=_use(row.sample.backbone),
        weighting=_use(row.sample.weighting),
        seeds=row.seeds,
        scores=tuple(row.values[column].seeds if column in row.values else None for column in board.columns),
    )


def _use(use: PluginUse) -> Use:
    return Use(name=use.name, label=use.label, params=use.params, changed=use.changed, source=use.source)


def to_json(boards: Iterable[BoardScores]) -> str:
    """JSON with a line per method, in which every number is exact and nothing is Markdown or HTML."""
    parts = []
    for board in boards:
        content = board.model_dump(mode="json")
        methods = ",\n".join(_inert(method) for method in content.pop("methods"))
        parts.append(f'{_inert(content)[:-1]}, "methods": [\n{methods}\n]}}')
    return "[\n" + ",\n".join(parts) + "\n]"


def from_json(text: str, origin: str) -> tuple[BoardScores, ...]:
    """The boards that :func:`to_json` wrote.

    Raises:
        UsageError: ``text``, which comes from ``origin``, is not what it wrote.
    """
    try:
        return _BOARDS.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"the scores in {origin} are damaged: {where + ': ' if where else ''}{first['msg']}; build it anew with "
            "`mtlbench leaderboard build`"
        ) from error


def _inert(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=True, allow_nan=False)
    # All of these can only be inside a string, except "](", which JSON does not have outside one.
    for char in "<>&`":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.replace("](", "]\\u0028")
