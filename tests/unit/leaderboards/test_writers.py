"""The tables that a reader sees: Markdown and terminal."""

import html
import io
import random
import re
from collections import defaultdict

import pytest
from markdown_it import MarkdownIt as Markdown
from record_factory import TASKS, plugin, record, scores
from rich.console import Console

from mtlbench.leaderboards import build, frame, to_markdown, to_rich
from mtlbench.leaderboards.blocks import blocks
from mtlbench.leaderboards.board import METRICS
from mtlbench.leaderboards.markdown import PAGE_WIDTH

BACKBONES = ["AITM", "ESMM", "MMoE", "MetaHeac", "OMoE", "PLE", "Shared Bottom", "Single Task"]


def study(seeds=3, tasks=TASKS, weightings=("", "RMTL-", "Loss-aware-")):
    """24 methods, one failed, one not applicable, one that lacks a seed, one with changed parameters."""
    numbers = random.Random(0)
    level: dict[tuple[str, str, str], float] = defaultdict(lambda: numbers.uniform(0.4, 0.8))
    records = []
    for seed in range(seeds):
        for method in [prefix + label for prefix in weightings for label in BACKBONES]:
            gap = {}
            if method == "RMTL-AITM":
                gap = {"status": "failed", "reason": "the critic of task pay is dead: its Q is 0 for every row"}
            elif method == "RMTL-Single Task":
                gap = {"status": "not-applicable", "reason": "no shared parameters"}
            elif method == "RMTL-PLE" and seed == seeds - 1:
                gap = {"status": "failed", "reason": "training diverged"}
            test = {
                task: {metric: level[method, task, metric] + numbers.gauss(0, 0.002) for metric in METRICS}
                for task in tasks
            }
            records.append(record(method, seed=seed, tasks=tasks, metrics={"test": test}, **gap))
    half = plugin("rmtl", "RMTL", **{"lambda": 0.5})
    wide = plugin("mmoe", "MMoE", experts=8)
    return [
        *records,
        *(record("RMTL-MMoE", 0.7, seed=s, tasks=tasks, backbone=wide, weighting=half) for s in range(seeds)),
    ]


def markdown(*records, layout="methods"):
    return to_markdown(build(records, layout))


def row(text, method):
    (line,) = [line for line in text.splitlines() if re.match(rf"\| {re.escape(method)}[¹²³]?(<br>| *\|)", line)][:1]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def terminal(records, layout="methods", width=100, styles=False):
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(to_rich(build(records, layout), width))
    return console.export_text(styles=styles)


def test_markdown_marks_the_best_and_the_best_baseline():
    text = markdown(record("ESMM", 0.7), record("PLE", 0.6), record("RMTL-PLE", 0.8))
    assert row(text, "ESMM")[1] == "<u>0.7000</u>"
    assert row(text, "PLE")[1] == "0.6000"
    assert row(text, "RMTL-PLE")[1] == "**0.8000**"


def test_markdown_shows_the_interval_over_seeds_and_says_what_it_means():
    text = markdown(record("ESMM", 0.7003, seed=0), record("ESMM", 0.7021, seed=1))
    # t = 12.706 for 1 degree of freedom, and half of 0.0018 is the standard error
    assert row(text, "ESMM")[1] == "**<u>0.7012(114)</u>**"
    assert "mean over 2 seeds (0, 1)" in text
    assert "0.7003(12) means 0.7003 ± 0.0012" in text
    assert "In parentheses" not in markdown(record("ESMM"))
    assert "one seed (0)" in markdown(record("ESMM"))


def test_markdown_shows_gaps_with_their_reasons_and_never_in_bold():
    text = to_markdown(build(study()))
    assert set(row(text, "RMTL-AITM")[1:]) == {"failed"}
    assert set(row(text, "RMTL-Single Task")[1:]) == {"n/a"}
    assert not any("*" in cell or "<u>" in cell for cell in row(text, "RMTL-PLE")[1:])
    assert "RMTL-PLE²<br>2 of 3 seeds" in text
    assert "- ¹ RMTL-AITM: seeds 0, 1, 2 failed: the critic of task pay is dead: its Q is 0 for every row." in text
    assert "- ² RMTL-PLE: seed 2 failed: training diverged. Not ranked: other rows have more seeds." in text
    assert "- ³ RMTL-Single Task: seeds 0, 1, 2 not applicable: no shared parameters." in text


def test_a_markdown_renderer_shows_every_cell_as_it_is_meant():
    records = [*study(seeds=7), *(record("RMTL-a|b*c_d`<e>", 0.7 + i / 1e3, seed=i) for i in range(7))]
    tables = build(records)
    shown = Markdown("gfm-like", {"linkify": False}).render(to_markdown(tables))
    cells = [
        (re.sub(r"<(?!/?(strong|u|br)\b)[^>]*>", "", cell), "<strong>" in cell, "<u>" in cell)
        for cell in re.findall(r"<td[^>]*>(.*?)</td>", shown)
    ]
    meant = [
        (text, cell.bold, cell.underline)
        for table in tables
        for part in (table, table.spend)
        if part
        for block in blocks(part, PAGE_WIDTH)
        for line in block.table.lines
        for text, cell in [
            *((f"{c.text}<br>{c.aside}" if c.aside else c.text, c) for c in line.labels),
            *((c.text + c.tail, c) for c in line.cells),
        ]
    ]
    plain = [(html.unescape(re.sub("</?(strong|u)>", "", text)), *style) for text, *style in cells]
    assert plain == [(html.unescape(text), *style) for text, *style in meant]


def test_markdown_tells_the_data_the_conditions_and_the_spend():
    facts = {"split": "6:2:2 by time", "rows": 20_000, "rows.train": 12_000, "rate.test.click": 0.25123}
    text = markdown(record("ESMM", facts=facts, spend=((1000, 2048000, 12.34), (500, 1024000, 1))))
    assert text.startswith(
        "<!-- generated by mtlbench leaderboard build; do not edit -->\n\n# Leaderboard\n\n## Synthetic\n"
    )
    assert "Data: split 6:2:2 by time; rows 20,000 (train 12,000); rate (test click 0.2512)." in text
    assert "preset quick, epochs 10, patience 2, batch size 2,048, learning rate 0.001, protocol 1" in text
    spend = text[text.index("### Rank and Spend") :]
    assert row(spend, "ESMM") == ["ESMM", "1.0", "front", "1,500", "3,072,000", "13.3"]
    assert "Run on Some CPU, 2 threads." in spend


def test_markdown_is_the_same_for_the_same_records_in_any_order():
    records = study()
    shuffled = random.Random(1).sample(records, len(records))
    for layout in ("methods", "paper"):
        assert to_markdown(build(records, layout)) == to_markdown(build(shuffled, layout))


def test_markdown_cannot_be_broken_by_what_a_record_says():
    hostile = "a|b\n## <script>alert(1)</script> [x](http://evil) ![y](z) *b* `c` _d_ \x1b[31m \u202e end"
    text = markdown(
        record("ESMM"),
        record("RMTL-" + hostile, status="failed", reason=hostile),
        record("RMTL-PLE", weighting=plugin("rmtl", hostile, note=hostile)),
        record("PLE", dataset="other", dataset_label=hostile, tasks=("a|b", "<i>")),
    )
    assert "<script" not in text
    assert "<i>" not in text
    assert not re.search(r"(?<!\\)\]\(", text.replace(r"]\(", ""))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert sum(line.startswith("## ") for line in text.splitlines()) == 2
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_mixed_protocols_are_two_tables_with_headings_that_say_so():
    text = markdown(record("ESMM", 0.7), record("ESMM", 0.9, protocol=2))
    assert "## Synthetic, protocol=1\n" in text
    assert "## Synthetic, protocol=2\n" in text
    assert "0.8000" not in text


def test_the_paper_layout_has_methods_across():
    records = [record("PLE", 0.7), record("RMTL-PLE", 0.8)]
    text = markdown(
        *records, record("PLE", 0.6, dataset="kuairand", dataset_label="KuaiRand", facts={}), layout="paper"
    )
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert lines[0] == ["Dataset", "Task", "Metric", "PLE", "RMTL-PLE"]
    assert lines[2] == ["KuaiRand", "click", "AUC", "**<u>0.6000</u>**", "–"]
    assert lines[3][:3] == ["", "", "Logloss"]
    assert lines[8] == ["Synthetic", "click", "AUC", "<u>0.7000</u>", "**0.8000**"]
    assert "## KuaiRand; Synthetic\n" in text


def test_the_paper_layout_keeps_baselines_first_though_datasets_differ_in_methods():
    first = [record(name) for name in ("AITM", "ESMM", "PLE", "RMTL-PLE")]
    (table, *_) = build([*first, record("RMTL-PLE", dataset="x", dataset_label="X")], "paper")
    assert [head.name for head in table.heads] == ["AITM", "ESMM", "PLE", "RMTL-PLE"]


def test_the_paper_layout_never_joins_different_conditions():
    assert len(build([record("PLE"), record("PLE", preset="paper")], "paper")) == 2


@pytest.mark.parametrize("layout", ["methods", "paper"])
@pytest.mark.parametrize(
    "tasks", [TASKS, ("click", "long_view", "like", "follow"), ("a task of a name too long to fit",)]
)
def test_the_terminal_has_no_line_beyond_its_width(layout, tasks):
    text = terminal(study(tasks=tasks), layout)
    assert max(len(line) for line in text.splitlines()) <= 100
    means = re.findall(r"\d\.\d{4}\(\d+\)", to_markdown(build(study(tasks=tasks), layout)))
    assert all(mean in text for mean in means)


def test_two_tasks_and_24_methods_are_one_block_at_100_columns():
    text = terminal(study())
    lines = text[: text.index("Spend")].splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("Method"))
    assert lines[head - 1].split() == ["click", "pay"]
    assert lines[head].split() == ["Method", *["AUC", "Logloss", "s-Logloss"] * 2]
    assert sum(line.startswith("Method") for line in lines) == 1


def test_decimal_points_stand_below_each_other():
    lines = [line for line in terminal(study()).splitlines() if re.search(r"0\.\d{4}\(", line)]
    starts = {
        tuple(match.start() for match in re.finditer(r"\d\.\d{4}\(", line)) for line in lines if line[:4] != "seed"
    }
    assert len({start for start in starts if len(start) == 6}) == 1


def test_the_terminal_marks_by_weight_and_line_and_not_by_colour():
    text = terminal([record("ESMM", 0.7), record("RMTL-PLE", 0.8)], styles=True)
    assert "\x1b[4m0.7000" in text
    assert "\x1b[1m0.8000" in text
    assert not re.search(r"\x1b\[[\d;]*3[0-7]", text)


def test_brackets_in_names_are_not_markup():
    text = terminal([record("RMTL-PLE", weighting=plugin("rmtl", "RMTL", mode="[bold]x[/bold]"))])
    assert "[bold]x[/bold]" in " ".join(text.split())


def test_no_records_no_tables():
    assert build([]) == []
    assert to_markdown([]).endswith("# Leaderboard\n")
    assert frame([]).empty


def test_the_frame_has_one_row_per_cell_with_every_metric():
    metrics = {"validation": scores(0.71), "test": scores(0.7)}
    data = frame(
        [
            record("RMTL-PLE", seed=1, status="failed", reason="diverged"),
            record("PLE", seed=1, metrics=metrics),
            record("PLE", seed=0, metrics=metrics, spend=((1, 2, 3.0), (4, 5, 6.0))),
        ]
    )
    assert list(data["method"]) == ["PLE", "PLE", "RMTL-PLE"]
    assert list(data["seed"]) == [0, 1, 1]
    assert list(data["validation.click.auc"])[:2] == [0.71, 0.71]
    assert data["test.pay.logloss"].isna().tolist() == [False, False, True]
    assert data.loc[0, ["steps", "rows", "seconds"]].tolist() == [5, 7, 9.0]
    assert data.loc[2, "reason"] == "diverged"
