"""The results of studies: as a data frame, as a leaderboard, as figures, and compared with others."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, get_args

from mtlbench.config.given import items_of, path_of, text_of, word_of
from mtlbench.config.parameters import spec_text
from mtlbench.errors import UsageError
from mtlbench.figures import KINDS as FIGURE_KINDS
from mtlbench.figures import draw_one
from mtlbench.leaderboards import build, comparison_tables, not_compared, verdicts
from mtlbench.leaderboards import compare as compare_boards
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import board_key, boards, method_key
from mtlbench.leaderboards.boards.naming import dataset_name, method_name
from mtlbench.leaderboards.boards.scores import BoardScores, board_scores
from mtlbench.leaderboards.publishing import read_records, read_scores, searches_of, write_file
from mtlbench.leaderboards.tables.layout import DEFAULT_ORDER, Layout
from mtlbench.notebook.shown import Picture, ShownTables
from mtlbench.records import Record
from mtlbench.records.searches import Search
from mtlbench.records.tuned import is_tuned
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.objective import MEAN, Objective

if TYPE_CHECKING:
    import pandas as pd

RANKED = ("dataset", "method", "backbone", "weighting", "objective", "seeds", "settings")


@dataclass(frozen=True)
class Results:
    """Records of one or several results folders, and all that can be made of them.

    Tuned rows stand in place of the cells that their searches ran.
    """

    records: tuple[Record, ...] = field(repr=False)
    searches: tuple[Search, ...] = field(repr=False, default=())
    paths: tuple[Path, ...] = ()
    """The folders or pages that they were read from."""

    @classmethod
    def read(cls, *paths: Path) -> "Results":
        """The results in folders or beside pages.

        Raises:
            UsageError: there are none, one is unreadable, or a cell is in two of them.
        """
        records = [record for path in paths for record in read_records(path)]
        seen: set[str] = set()
        for record in records:
            key = f"{record.cell} {record.weighting.params}"
            if key in seen:
                raise UsageError(
                    f"the cell {record.cell[:12]} ({method_name(record)}, seed {record.seed}) is in two of "
                    f"{', '.join(map(str, paths))}; a cell counts once: load one of them, or `mtlbench merge` them"
                )
            seen.add(key)
        return cls(tuple(records), tuple(search for path in paths for search in searches_of(path)), paths)

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.records)

    def frame(self) -> "pd.DataFrame":
        """A row for each cell.

        Columns: ``cell``, ``dataset``, ``backbone``, ``weighting`` (names), ``method`` (as in leaderboards), ``seed``,
        ``status``, ``reason`` (of a failure); ``dataset.NAME``, ``backbone.NAME``, ``weighting.NAME``,
        ``training.NAME`` for each parameter; ``SPLIT.TASK.METRIC`` for each score, with SPLIT ``validation`` or
        ``test``; ``steps``, ``rows`` and ``seconds`` of all stages, those of a search too. What a cell does not have
        is missing.
        """
        import pandas as pd

        return pd.DataFrame([_row(record) for record in self.records])

    def leaderboard(
        self, layout: Layout = "methods", sort: str = DEFAULT_ORDER, baselines: str | Sequence[str] = ()
    ) -> ShownTables:
        """The leaderboard, as ``mtlbench leaderboard build`` makes it.

        Args:
            layout: ``methods``, or ``paper`` for the shape of Table 1 of the RMTL paper.
            sort: ``weighting``, ``name``, ``rank``, ``delta_m``, or a task and a metric such as ``click.auc``.
            baselines: what marks compare with, one weighting or a list; by default constant weights, and tuned ones
                where they are.

        Raises:
            UsageError: an option does not fit the records.
        """
        word_of("layout", layout, get_args(Layout))
        text_of("sort", sort, "'rank' or 'click.auc'")
        named = [text_of("baselines", one, "'constant', or a list of two") for one in items_of(baselines)]
        return ShownTables(build(iter(self.records), layout, sort, named, self.searches))

    def verdict(self) -> str:
        """What the results show, as ``mtlbench run`` says it at its end: a line for each dataset and protocol.

        What beats constant weights, by how much, how sure that is, and what was cut off.
        """
        return "\n".join(verdicts(contrasted(boards(iter(self.records)))))

    def compare(self, other: "Results | Path | str", baseline: str | None = None) -> "Compared":
        """Say method by method whether these results are better than ``other``, tied or worse.

        Args:
            other: results, a results folder, or a leaderboard page.
            baseline: what methods that ``other`` lacks are compared with; by default constant weights.

        Raises:
            UsageError: nothing may be compared.
        """
        if baseline is not None:
            text_of("baseline", baseline, "'constant'")
        expected = "results, a results folder or a leaderboard page"
        others = other._scores() if isinstance(other, Results) else read_scores(path_of("other", other, expected))
        found = compare_boards(self._scores(), others, baseline)
        not_compared(found, "the other")
        return Compared(comparison_tables(found), tuple(found.regressed))

    def figure(self, kind: str = "differences") -> Picture:
        """A figure: ``differences``, ``tradeoff``, ``heatmap``, ``ranks`` or ``searches``.

        Raises:
            UsageError: there is no such figure, the results have too little for it, or matplotlib is not installed.
        """
        word_of("figure", kind, FIGURE_KINDS)
        with tempfile.TemporaryDirectory(prefix="mtlbench-figure-") as folder:
            svg, png = (Path(folder) / f"figure.{ending}" for ending in ("svg", "png"))
            for path in (svg, png):
                draw_one(kind, self.records, path, self.searches)
            return Picture(svg.read_text(encoding="utf-8"), png.read_bytes())

    def report(self, path: Path | str, title: str = "Leaderboard") -> Path:
        """Write one HTML page of all records that needs no network; gives its path.

        Raises:
            UsageError: jinja2 or plotly is not installed, or the file cannot be written.
        """
        from mtlbench.reports import html_page

        page = path_of("path", path, "the path of an .html file")
        write_file(page, html_page(self.records, text_of("title", title, "'My study'"), self.searches).encode())
        return page

    def best(self, objective: str = MEAN) -> "pd.DataFrame":
        """The methods of each dataset by their validation scores, the best first; the test split is not read.

        Columns: ``dataset``, ``method``, ``backbone`` and ``weighting`` (specs, as one types them), ``objective`` (the
        mean over seeds), ``seeds``, and ``settings``, those that were found for a tuned method. Methods without a score
        are left out.

        Args:
            objective: ``mean`` of the tasks' primary metrics, or weights of tasks, such as ``conversion=3,click=1``.

        Raises:
            UsageError: it is no objective, or names a task that there is not.
        """
        import pandas as pd

        groups: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            if record.status == "done":
                groups.setdefault((board_key(record), method_key(record)), []).append(record)
        found_by = {
            one.cell: search.winner.settings for search in self.searches if search.winner for one in search.reports
        }
        rows = [
            {**_ranked(found, objective), "settings": found_by.get(found[0].cell, {}) if is_tuned(found[0]) else {}}
            for found in groups.values()
        ]
        frame = pd.DataFrame(rows, columns=RANKED)
        return frame.sort_values(["dataset", "objective"], ascending=[True, False], ignore_index=True)

    def _scores(self) -> tuple[BoardScores, ...]:
        return tuple(map(board_scores, boards(iter(self.records))))


@dataclass(frozen=True)
class Compared(ShownTables):
    """The tables of a comparison, and the methods that got worse."""

    regressed: tuple[str, ...] = ()


def _row(record: Record) -> dict[str, Any]:
    uses = {"dataset": record.dataset, "backbone": record.backbone, "weighting": record.weighting}
    return {
        "cell": record.cell,
        **{kind: use.name for kind, use in uses.items()},
        "method": method_name(record),
        "seed": record.seed,
        "status": record.status,
        "reason": record.failure.reason if record.failure else None,
        **{f"{kind}.{name}": value for kind, use in uses.items() for name, value in use.params.items()},
        **{f"training.{name}": value for name, value in record.training.items()},
        **{".".join(key): value for key, value in record.scores().items()},
        **{unit: record.spent(unit) if record.spend else None for unit in ("steps", "rows", "seconds")},
    }


def _ranked(records: Sequence[Record], objective: str) -> dict[str, Any]:
    sample = records[0]
    metrics = {task: METRICS[sample.dataset.primary_of(task)] for task in sample.dataset.tasks}
    judge = Objective(objective, metrics)
    return {
        "dataset": dataset_name(sample),
        "method": method_name(sample),
        "backbone": spec_text(sample.backbone.name, sample.backbone.changed),
        "weighting": spec_text(sample.weighting.name, sample.weighting.changed),
        "objective": fmean(judge.of(record.primary_scores("validation")) for record in records),
        "seeds": len(records),
    }
