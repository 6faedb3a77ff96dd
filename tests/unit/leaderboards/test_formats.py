"""LaTeX, CSV, JSON and Parquet, all from the boards that the Markdown is made of."""

import io
import json
import random
import re
import shutil
import subprocess

import pandas as pd
import pytest
from record_factory import mixed, plugin, record, runs
from test_writers import study

from mtlbench.leaderboards import WRITERS, build, summary, to_latex
from mtlbench.leaderboards.boards.board import OPTIMUM

HOSTILE = r"a|b ## <i> [x](y) *b* `c` _d_ \ $1 % # & {} ^ ~ 'q' \"r\" -- é ü ł 中 λ ¹"


@pytest.fixture(scope="module")
def tables():
    return build(study(seeds=7))


def hostile():
    return [
        record("PLE", dataset_label=HOSTILE, tasks=(HOSTILE, "[0]")),
        record("[]-PLE", dataset_label=HOSTILE, tasks=(HOSTILE, "[0]"), weighting=plugin("x", "x", note=HOSTILE)),
        record("*-PLE", dataset_label=HOSTILE, tasks=(HOSTILE, "[0]"), status="failed", reason=HOSTILE),
    ]


def document(latex):
    return "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + latex + "\\end{document}\n"


@pytest.mark.parametrize("layout", ["methods", "paper"])
@pytest.mark.parametrize("records", [study(seeds=7), hostile()], ids=["study", "hostile"])
def test_latex_compiles(records, layout, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    (tmp_path / "page.tex").write_text(document(to_latex(build(records, layout))), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "LaTeX Warning: Command" not in done.stdout


@pytest.mark.parametrize("layout", ["methods", "paper"])
@pytest.mark.parametrize("records", [study(seeds=7), hostile()], ids=["study", "hostile"])
def test_latex_is_well_formed(records, layout):
    latex = to_latex(build(records, layout))
    environments = re.findall(r"\\(begin|end)\{(\w+)\}", latex)
    opened = []
    for kind, name in environments:
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    bare = re.sub(r"\\.", "", latex)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert latex.isascii()
    for tabular in re.findall(r"\\begin\{tabular\}\{@\{\}([^\n]*)@\{\}\}\n(.*?)\\end\{tabular\}", latex, flags=re.S):
        spec, body = tabular
        columns = len(re.findall(r"[lrp]", re.sub(r"@\{\}|\{[^}]*\}", "", spec)))
        for line in body.splitlines():
            if line.endswith(r"\\") and not line.startswith(r"\cmidrule"):
                cells = re.split(r"(?<!\\)&", line)
                spans = [
                    int(match[1]) if (match := re.search(r"\\multicolumn\{(\d+)\}", cell)) else 1 for cell in cells
                ]
                assert sum(spans) == columns, line


def test_latex_shows_marks_and_the_best():
    rows = [*runs("PLE", [0.70 + i / 5e3 for i in range(6)]), *runs("RMTL-PLE", [0.72 + i / 1e3 for i in range(6)])]
    latex = to_latex(build(rows))
    assert r"\underline{0.7005} & (4)" in latex
    assert r"\textbf{0.7225} & (20)$^{*}$" in latex
    assert r"+0.0220 & (16)" in latex
    assert r"\multicolumn{8}{c}{click}" in latex
    assert r"\cmidrule(lr){2-9}" in latex


def test_latex_shows_the_best_of_one_seed_below_0():
    latex = to_latex(build([*mixed("PLE", [0.3], "r2"), *mixed("RMTL-PLE", [0.2], "r2")]))
    assert r"\multicolumn{2}{c}{\textbf{\underline{-0.2000}}}" in latex


def read_csv(tables):
    return pd.read_csv(io.BytesIO(WRITERS["csv"](tables)))


def test_csv_json_and_parquet_are_the_same_frame(tables):
    frame = summary(board for table in tables for board in table.boards)
    parquet = pd.read_parquet(io.BytesIO(WRITERS["parquet"](tables)))
    rows = json.loads(WRITERS["json"](tables))
    csv = read_csv(tables)
    assert list(frame) == list(parquet) == list(rows[0]) == list(csv)
    assert len(frame) == len(parquet) == len(rows) == len(csv)
    for name in frame:
        if name in ("seeds", "scores"):
            assert [list(items) for items in parquet[name]] == list(frame[name]) == [row[name] for row in rows]
            kind = int if name == "seeds" else float
            assert [list(map(kind, str(text).split())) for text in csv[name].fillna("")] == list(frame[name])
        else:
            expected = [None if pd.isna(value) else value for value in frame[name]]
            for found in (parquet[name], csv[name]):
                assert [None if pd.isna(value) else value for value in found] == expected
            assert [row[name] for row in rows] == expected


def test_every_number_of_the_page_is_in_the_summary(tables):
    frame = summary(board for table in tables for board in table.boards).set_index(["method", "task", "metric"])
    (board,) = tables[0].boards
    names = {"AUC": "auc", "Logloss": "logloss", "s-Logloss": "s_logloss"}
    rows = [row for row in board.rows if not row.equals or "not exercised" in row.flags]
    for row, line in zip(rows, tables[0].lines, strict=True):
        for head, cell in zip(tables[0].heads, line.cells, strict=True):
            if head.name.startswith("vs "):
                difference = frame.loc[row.method, head.group, "auc"]["difference"]
                signed = "–" if pd.isna(difference) else f"{difference:+z.4f}".replace("-", "−")
                assert cell.text == ("=" if difference == 0 else signed)
                continue
            found = frame.loc[row.method, head.group, names[head.name]]
            assert found["state"] == row.state
            if row.state in ("failed", "not applicable"):
                assert pd.isna(found["mean"])
                assert row.reasons[0] in found["reason"]
                continue
            assert cell.text == f"{found['mean']:.4f}"
            assert cell.aside == f"({round((found['high'] - found['low']) / 2 * 1e4)})"
            assert (cell.bold, cell.underline) == (found["best"], found["best_baseline"])
            assert cell.marks == {"better": "*", "worse": "°"}.get(found["verdict"], "")
    for line in tables[0].spend.lines:
        found = frame.loc[line.labels[0].text].iloc[0]
        cells = dict(zip((head.name for head in tables[0].spend.heads), line.cells, strict=True))
        assert cells["Rank"].text == ("–" if pd.isna(found["rank"]) else f"{found['rank']:.1f}")
        assert cells["Seconds"].text == f"{found['seconds']:,.1f}"
        assert (cells["Pareto"].text == "front") == found["pareto"]


def test_the_optimum_and_gaps_are_rows_too():
    optimum = {"test": {"click": {"auc": 0.9}}}
    frame = summary(build([record("PLE", optimum=optimum), record("RMTL-PLE", status="failed", reason="x")])[0].boards)
    found = frame[(frame["task"] == "click") & (frame["metric"] == "auc")].set_index("method")
    assert found.loc[OPTIMUM, "mean"] == 0.9
    assert found.loc["RMTL-PLE", "reason"] == "seed 0 failed: x"
    assert found.loc["RMTL-PLE", "scores"] == []


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_records_in_any_order_give_the_same_bytes(name):
    records = study(seeds=3)
    shuffled = random.Random(0).sample(records, len(records))
    assert WRITERS[name](build(records)) == WRITERS[name](build(shuffled))


@pytest.mark.parametrize("name", WRITERS)
def test_no_records_give_an_empty_file_of_the_format(name):
    assert isinstance(WRITERS[name]([]), bytes)
