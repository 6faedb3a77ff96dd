"""A leaderboard page read back: every table as written, every score exact, whatever names and values there are."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_factory import plugin, record
from test_writers import study

from mtlbench.errors import UsageError
from mtlbench.leaderboards import build, parse_page, read_page, to_markdown
from mtlbench.leaderboards.board import METRICS
from mtlbench.leaderboards.board_scores import board_scores
from mtlbench.leaderboards.table import Cell, Head, Line, Table
from mtlbench.text import one_line

# Letters that Markdown, HTML, the page's own notation or a table give a meaning, among others.
hostile = st.text(st.sampled_from("ab-_*|<>&`\\[](){}!~#=+ \n\t¹²°†‡–;,:.1\u202e\u4e2d"), min_size=1, max_size=12)
names = st.one_of(hostile, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)).filter(one_line)
number = st.one_of(st.floats(0, 1), st.floats(0.69, 0.71), st.none())


@st.composite
def studies(draw):
    """Records of a few datasets, backbones, weightings and seeds, with gaps."""
    tasks = tuple(draw(st.lists(names, min_size=1, max_size=3, unique_by=one_line)))
    datasets = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    backbones = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    weightings = draw(st.lists(names, min_size=0, max_size=2, unique=True))
    seeds = draw(st.integers(1, 3))
    constant = plugin("constant", "Constant")
    uses = [(None, constant)] + [(label, plugin(label, label, note=draw(names))) for label in weightings]
    records = []
    for dataset in datasets:
        for backbone in backbones:
            for prefix, use in uses:
                for seed in range(seeds):
                    status = draw(st.sampled_from(["done", "done", "done", "failed", "not-applicable"]))
                    test = {task: {metric: draw(number) for metric in METRICS} for task in tasks}
                    records.append(
                        record(
                            backbone if prefix is None else f"{prefix}-{backbone}",
                            seed=seed,
                            baseline=prefix is None,
                            reference=prefix is None and backbone == backbones[0],
                            backbone=plugin(backbone, backbone),
                            weighting=use,
                            dataset=dataset,
                            dataset_label=dataset,
                            tasks=tasks,
                            status=status,
                            reason=draw(names),
                            metrics={"test": test},
                        )
                    )
    return records


def cleaned(table: Table) -> Table:
    """What a page shows of a table: no rules, nothing quiet, text on one line."""

    def cell(found: Cell) -> Cell:
        return replace(found, text=one_line(found.text), aside=found.aside and clean_aside(found.aside), quiet=False)

    return Table(
        title=one_line(table.title),
        caption=tuple(map(one_line, table.caption)),
        labels=table.labels,
        heads=tuple(Head(one_line(head.group), one_line(head.name)) for head in table.heads),
        lines=tuple(Line(tuple(map(cell, line.labels)), tuple(map(cell, line.cells))) for line in table.lines),
        notes=tuple((mark, one_line(text)) for mark, text in table.notes),
        spend=cleaned(table.spend) if table.spend else None,
    )


def clean_aside(aside: str) -> str:
    return " " * (aside[0] == " ") + one_line(aside)


@settings(max_examples=60)
@given(
    records=studies(),
    layout=st.sampled_from(["methods", "paper"]),
    sort=st.sampled_from(["weighting", "name", "rank", "delta_m"]),
    title=names,
)
def test_a_page_read_back_has_every_table_and_every_score(records, layout, sort, title):
    tables = build(records, layout, sort)
    page = parse_page(to_markdown(tables, title), "page")
    assert page.title == one_line(title)
    assert list(page.tables) == [cleaned(table) for table in tables]
    assert list(page.boards) == [board_scores(board) for table in tables for board in table.boards]
    seeds = {(r.method, r.dataset.name, r.seed): r.metrics["test"] for r in records if r.status == "done"}
    for board in page.boards:
        for method in board.methods:
            for (task, metric), scores in zip(board.columns, method.scores, strict=True):
                for seed, score in zip(method.seeds, scores or (), strict=bool(scores)):
                    assert any(
                        found[task][metric] == score
                        for (_, dataset, own), found in seeds.items()
                        if (dataset, own) == (board.dataset.name, seed)
                    )


@pytest.mark.parametrize("layout", ["methods", "paper"])
def test_stars_ranks_and_tables_cut_into_parts_are_read_back(layout):
    tables = build(study(seeds=7), layout)
    page = parse_page(to_markdown(tables), "page")
    assert list(page.tables) == [cleaned(table) for table in tables]
    marks = {cell.marks for line in page.tables[0].lines for cell in line.cells}
    assert {"", "*", "°"} <= marks
    assert any(head.group.startswith("Beats") for head in page.tables[-1].heads)


@settings(max_examples=30)
@given(records=studies(), layout=st.sampled_from(["methods", "paper"]))
def test_an_unedited_page_shows_the_scores_that_it_carries(records, layout, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "leaderboard.md"
    path.write_text(to_markdown(build(records, layout)), encoding="utf-8")
    assert read_page(path).boards


@pytest.mark.parametrize("layout", ["methods", "paper"])
def test_an_edited_cell_is_named(layout, tmp_path):
    path = tmp_path / "leaderboard.md"
    failed = record("RMTL-PLE", seed=1, status="failed", reason="diverged")
    records = [record("PLE", 0.7, seed=0), record("PLE", 0.71, seed=1), record("RMTL-PLE", 0.72), failed]
    text = to_markdown(build(records, layout))
    assert text.count("0.7200") == 2
    path.write_text(text.replace("0.7200", "0.7900", 1), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_page(path)
    assert "Synthetic, RMTL-PLE, click, AUC is shown as 0.7900, but its seeds have the mean 0.7200" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "# Something else\n", "is no leaderboard page"),
        (lambda text: text[: text.index("<details>")], "carries no scores of seeds"),
        (lambda text: text.replace('"fingerprint"', '"finger"'), "are damaged: 0.fingerprint: Field required"),
        (lambda text: text.replace("[\n{", "[\n{{"), "are damaged: Invalid JSON"),
        (lambda text: text.replace("| PLE ", "| PLE | 1 ", 1), "has 8 cells below 7 heads"),
    ],
)
def test_what_is_no_page_is_refused_with_the_remedy(change, message, tmp_path):
    path = tmp_path / "leaderboard.md"
    path.write_text(change(to_markdown(build([record("PLE")]))), encoding="utf-8")
    with pytest.raises(UsageError, match=message) as refused:
        read_page(path)
    assert "mtlbench leaderboard build" in str(refused.value)


def test_a_missing_page_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_page(tmp_path / "absent.md")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no UTF-8"):
        read_page(tmp_path / "binary.md")
