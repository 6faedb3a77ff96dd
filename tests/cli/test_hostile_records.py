"""Records whose every text is hostile, through every output: nothing of it acts, and nothing of it breaks a table."""

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from record_factory import record, scores
from rendered_pages import rendered
from rich.console import Console

import mtlbench.cli
from mtlbench.leaderboards import WRITERS, build, to_rich
from mtlbench.leaderboards.formats.export import quoted, unquoted
from mtlbench.records import Record, RecordStore, encoded
from mtlbench.text import one_line, printable

ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b2J\x00\x7f\u202e\u2066\u200b\ufeff\r\t"
LINES = "\n\u2028\u2029\nall is well\n\n# Heading\n| a | b |\n"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&lt;<!-- --> **b** [x](javascript:1) `c` ```"
LATEX = r"\input{/etc/passwd} \write18{id} $\frac$ & % # _ ^ ~ { } \\"
STARTS = ["=HYPERLINK(1)", "+1+1", "-1-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "'=1", "plain"]
TASKS = ("click", "pay", "like")
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FORMULA = re.compile("[=+@\\-\t\r\n\uff1d\uff0b\uff0d\uff20]")

FREE = {
    "params",
    "sizes",
    "changed",
    "facts",
    "training",
    "environment",
    "diagnostics",
    "series",
    "best_epoch",
    "space",
}
"""Fields whose keys are texts too."""
KNOWN = {"status", "schema_version", "primary", "kinds", "unit", "sums"}
"""Fields of which the values are names that mtlbench gives."""


def poison(text: str, start: str = "") -> str:
    return f"{start}{text}{ESCAPES}{LINES}{MARKUP}{LATEX}"


def poisoned(value: Any, start: str, field: str = "") -> Any:
    """A record, as JSON, with every text of its schema turned hostile; names of tasks alike wherever they are."""
    if isinstance(value, str):
        return value if field in KNOWN else poison(value, start)
    if isinstance(value, list):
        return [poisoned(item, start, field) for item in value]
    if isinstance(value, dict):
        free = field in FREE
        return {
            (poison(key, start) if free or key in TASKS else key): poisoned(
                item, start, field if field in KNOWN else "" if free else key
            )
            for key, item in value.items()
        }
    return value


def full(method: str, level: float, **settings: Any) -> dict[str, Any]:
    """A record in which every field of the schema has a value."""
    content = json.loads(record(method, level, tasks=TASKS, **settings).model_dump_json())
    task = dict.fromkeys(TASKS, 0.5)
    content["dataset"] |= {
        "kinds": dict.fromkeys(TASKS, "binary"),
        "primary": dict.fromkeys(TASKS, "auc"),
        "facts": {"rows.train": 100, "source": "a log"},
        "optimum": {"test": scores(0.9, tasks=TASKS)},
    }
    for use in (content["dataset"], content["weighting"]):
        use["params"]["path"] = use["changed"]["path"] = "somewhere"
    weights = {name: {"mean": level, "min": 0.1, "q05": 0.1, "q50": 0.5, "q95": 0.9, "max": 1.0} for name in TASKS}
    content |= {
        "sizes": {"dropout": 0.3},
        "controls": ["0" * 64],
        "best_epoch": {"train": 1},
        "curve": [{"stage": "train", "epoch": 1, "train_loss": task, "validation": task, "weights": weights}],
        "diagnostics": {"norm": 1.5, "norms": [1.0, 2.0]},
        "series": {"losses": [1.0, 0.5]},
        "environment": {"processor": "Some CPU", "git": "0" * 40 + "-dirty", "host": "box", "torch": "2", "threads": 1},
        "influence": {"unit": "session", "sums": dict.fromkeys(TASKS, encoded(np.array([1.0, 2.0, -3.0])))},
        "selection": {"objective": 0.5, "validation_loss": 0.4, "reference": "2" * 64},
        "checksum": "0" * 64,
    }
    content["spend"][0]["reused_from"] = "1" * 64
    if content["status"] != "done":
        content["failure"] = {"reason": "out of luck", "traceback": "Traceback\n  File x\nError: y\n"}
    return content


def study(start: str) -> Iterator[dict[str, Any]]:
    for place, method in enumerate(["PLE", "RMTL-PLE", "UW-PLE", "MMoE", "RMTL-MMoE", "UW-MMoE"]):
        for seed in range(3):
            yield full(method, 0.7 + place / 50 + seed / 200, seed=seed)
    yield full("DWA-PLE", 0.5, status="failed", reason="x")
    yield full("DWA-MMoE", 0.5, status="not-applicable", reason="x")


def search(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a search, of the method of ``record``, whose cells report it."""
    shared = {name: record[name] for name in ("protocol", "method", "dataset", "backbone", "weighting", "preset")}
    settings = {"training": {"learning_rate": 0.01}, "backbone": {"embedding": 8}, "weighting": {"path": "elsewhere"}}
    trials = [
        {"number": i, "cell": f"{i}" * 64, **settings, "status": "done", "score": 0.5 + i / 10, "loss": 0.4}
        for i in range(2)
    ]
    return {
        **shared,
        "search": "3" * 64,
        "baseline": False,
        "training": record["training"],
        "space": {"learning_rate": "0.001 to 0.1", "PLE.path": "here | there"},
        "number": 0,
        "searches": 1,
        "seed": 10**9,
        "planned": 2,
        "trials": trials,
        "chosen": 1,
        "report_seeds": [0],
        "reports": [{"seed": 0, "cell": record["cell"]}],
        "hidden": [trial["cell"] for trial in trials],
    }


def written(folder: Path, start: str, hostile: bool = True) -> Path:
    (folder / "records" / "searches").mkdir(parents=True)
    found = search(full("RMTL-PLE", 0.7, seed=0))
    text = json.dumps(poisoned(found, start) if hostile else found)
    (folder / "records" / "searches" / "1.json").write_text(text, encoding="utf-8")
    for number, content in enumerate(study(start)):
        name = f"{number}\x1b[31m\u202e.json" if hostile else f"{number}.json"
        text = json.dumps(poisoned(content, start) if hostile else content)
        (folder / "records" / name).write_text(text, encoding="utf-8")
    if hostile:
        event = {"utc": poison("2026"), "run": poison("a"), "cell": poison("b"), "title": poison("PLE"), "total": 30}
        lines = [json.dumps({**event, "kind": kind}) for kind in ("study-started", "cell-started")]
        (folder / "events.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def tame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("tame") / "out", "", hostile=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("hostile") / "out", STARTS[0])


def clean(text: str, where: str) -> None:
    found = CONTROLS.search(text)
    assert found is None, f"{found[0]!r} in {where}: {text[max(0, found.start() - 80) : found.end() + 20]!r}"


def unheaded(text: str, where: str) -> None:
    """No line of a record's is a line of ours."""
    clean(text, where)
    assert not re.search(r"^(all is well|# Heading|\| a \| b \|)", text, flags=re.MULTILINE), where


def test_the_records_are_read_and_every_text_of_the_schema_is_hostile(out: Path) -> None:
    records = RecordStore(out).read_all()
    assert len(records) == 20
    schema = set(type(records[0]).model_fields) - {"failure"}
    assert {name for name in schema if getattr(records[0], name) in (None, [], {})} == set()
    lost = next(one for one in records if one.status == "failed")
    assert lost.failure
    assert lost.failure.traceback

    def texts(value: Any, field: str = "") -> Iterator[str]:
        if isinstance(value, dict):
            for name, item in value.items():
                yield from texts(item, field if field in KNOWN else name)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item, field)
        elif isinstance(value, str) and field not in KNOWN:
            yield value

    found = list(texts(json.loads(lost.model_dump_json())))
    assert len(found) > 30
    assert [text for text in found if "\x1b" not in text] == []


COMMANDS = [
    ["leaderboard", "build", "OUT"],
    ["leaderboard", "build", "OUT", "--layout", "paper"],
    ["leaderboard", "verify", "OUT"],
    ["leaderboard", "verify", "OUT", "--json"],
    ["leaderboard", "compare", "OUT", "TAME"],
    ["leaderboard", "compare", "OUT", "OUT"],
    ["leaderboard", "compare", "OUT", "OUT", "--json"],
    ["leaderboard", "compare", "OUT", "--reference", "rmtl-table1"],
    ["leaderboard", "overall", "OUT", "--out", "OUT/../overall.md"],
    ["status", "OUT"],
    ["status", "OUT", "--json"],
    ["reproduce", "OUT/records/0\x1b[31m\u202e.json"],
    ["reproduce", "OUT/records/18\x1b[31m\u202e.json"],
    ["reproduce", "x", "--results", "OUT"],
    ["figure", "OUT"],
    ["report", "OUT"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(map(printable, command)))
def test_a_command_says_nothing_that_acts(mtlbench: Any, out: Path, tame: Path, command: list[str]) -> None:
    done = mtlbench(*(word.replace("OUT", str(out)).replace("TAME", str(tame)) for word in command))
    assert done.out or done.err
    unheaded(done.out, "stdout")
    unheaded(done.err, "stderr")


def test_merging_says_nothing_that_acts(mtlbench: Any, out: Path, tmp_path: Path) -> None:
    other = tmp_path / "other\x1b[31m"
    (other / "records").mkdir(parents=True)
    for path in (out / "records").glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        (other / "records" / path.name).write_text(json.dumps({**content, "crashes": 7}), encoding="utf-8")
    refused = mtlbench("merge", out, other, "--into", tmp_path / "merged")
    assert refused.code == 2
    merged = mtlbench("merge", out, other, "--into", tmp_path / "merged\x1b[31m", "--prefer", other)
    assert merged.code == 0
    for done in (refused, merged):
        unheaded(done.out + done.err, "merge")


def test_a_hostile_plugin_is_named_and_does_nothing(mtlbench: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad\x1b[31m.py"
    path.write_text(f"raise ValueError({poison('broken')!r})")
    for command in (["doctor"], ["list"], ["list", "--json"]):
        done = mtlbench(*command, "--plugin", path)
        clean(done.out + done.err, command[0])
        assert "broken" in done.out + done.err


def test_the_terminal_shows_no_escape_but_its_own(out: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="standard", highlight=False)
    console.print(to_rich(build(RecordStore(out).read_all()), 100))
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown := console.file.getvalue())  # type: ignore[attr-defined]
    assert set(re.findall(r"\x1b\[([0-9;]*)m", shown)) <= {"0", "1", "2", "4", "1;4", "2;4"}
    clean(text, "terminal")  # which folds long cells, so that any word may begin a line


@pytest.fixture(scope="module")
def files(out: Path) -> Path:
    """The folder with a file of each format."""
    for command in (
        ["leaderboard", "build", str(out), "--format", "md,csv,tex,json,parquet"],
        ["report", str(out), "--figures"],
    ):
        with pytest.raises(SystemExit) as end:
            mtlbench.cli.main(command)
        assert not end.value.code
    return out


def test_no_file_holds_a_character_that_acts(files: Path) -> None:
    names = [path for path in sorted(files.rglob("*")) if path.suffix in {".md", ".csv", ".tex", ".json", ".svg"}]
    names = [path for path in names if path.parent.name != "records"]
    assert {path.suffix for path in names} == {".md", ".csv", ".tex", ".json", ".svg"}
    for path in names:
        unheaded(path.read_text(encoding="utf-8"), path.name)


def test_the_tables_of_the_page_are_whole(files: Path) -> None:
    parts = list(rendered((files / "leaderboard.md").read_text(encoding="utf-8")))
    tables = [rows for kind, rows in parts if kind == "table"]
    assert len(tables) > 2
    for rows in tables:
        assert {len(row) for row in rows} == {len(rows[0])}
    methods = {row[0][0] for rows in tables for row in rows}
    assert sum("out of luck" in text for kind, text in parts if kind == "item") == 2
    assert sum("RMTL-PLE" in method for method in methods) >= 1


def test_the_latex_shows_commands_and_runs_none(files: Path) -> None:
    text = (files / "leaderboard.tex").read_text(encoding="utf-8")
    body = text.partition("\n\n")[2]
    assert text.isascii()
    assert set(re.findall(r"\\([a-zA-Z]+)", body.replace(r"\\", " "))) <= {
        "begin", "end", "centering", "footnotesize", "setlength", "tabcolsep", "caption", "toprule", "midrule",
        "bottomrule", "multicolumn", "cmidrule", "shortstack", "raggedright", "par", "underline", "textbf",
        "textbackslash",
        "textasciicircum", "textasciitilde", "ldots", "pm", "times", "Delta", "circ", "dagger", "ddagger",
        "textsuperscript", "medskip", "linewidth", "scriptsize",
    }  # fmt: skip
    bare = re.sub(r"\\.", "", body)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0


def rows(content: bytes) -> list[dict[str, str]]:
    found = list(csv.reader(io.StringIO(content.decode()), strict=True))
    assert {len(row) for row in found} == {len(found[0])}
    return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


@pytest.mark.parametrize("start", STARTS)
def test_a_spreadsheet_computes_nothing(start: str) -> None:
    kinds = [full("PLE", 0.5), full("RMTL-PLE", 0.6), full("DWA-PLE", 0.5, status="failed", reason="x")]
    records = [Record.model_validate(poisoned(content, start)) for content in kinds]
    found = rows(WRITERS["csv"](build(records)))
    for row in found:
        for name, text in row.items():
            if FORMULA.match(text):
                assert [float(part) for part in text.split()], name
    acts = bool(FORMULA.match(one_line(start)))
    names = {name: {row[name] for row in found if row[name]} for name in ("board", "method", "backbone", "task")}
    for name, texts in names.items():
        texts -= {"Bayes optimum"}
        assert texts
        assert all(text.startswith("'") == (acts or start.startswith("'")) for text in texts), name


def test_numbers_are_numbers_and_texts_are_the_same_in_all_formats(files: Path) -> None:
    frames = {
        "csv": pd.read_csv(files / "leaderboard.csv"),
        "json": pd.DataFrame(json.loads((files / "leaderboard.json").read_text())),
        "parquet": pd.read_parquet(files / "leaderboard.parquet"),
    }
    for name in ("board", "method", "task", "backbone", "weighting", "reason", "versus"):
        known = [[text for text in frame[name] if isinstance(text, str)] for frame in frames.values()]
        assert [unquoted(text) for text in known[0]] == known[1] == known[2]
        for text in known[2]:
            unheaded(text, name)
    assert list(frames["csv"]["mean"].dropna()) == list(frames["parquet"]["mean"].dropna())
    assert frames["csv"]["difference"].dtype == float
    assert (frames["csv"]["difference"] < 0).any() or (frames["csv"]["difference"] > 0).any()


@pytest.mark.parametrize("text", STARTS)
def test_a_name_read_back_is_the_name(text: str) -> None:
    assert unquoted(quoted(text)) == text
    assert not FORMULA.match(quoted(text))


@pytest.mark.parametrize("number", [-0.5, 12, None, True, [-1.0]])
def test_what_is_no_text_is_not_quoted(number: Any) -> None:
    assert quoted(number) is number


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.held = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.held = self.held or (data if data.startswith("{") else "")


def test_the_report_has_no_element_of_a_record(mtlbench: Any, files: Path, tame: Path, tmp_path: Path) -> None:
    assert mtlbench("report", tame, "--output", tmp_path / "tame.html").code == 0
    usual, page = (Tags(path.read_text(encoding="utf-8")) for path in (tmp_path / "tame.html", files / "report.html"))
    assert page.tags == usual.tags
    held = json.loads(page.held)

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        for item in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from texts(item)

    found = list(texts(held))
    assert any("<script>" in text for text in found)
    for text in found:
        clean(text, "report")


def test_figures_show_names_as_they_are(files: Path) -> None:
    figures = sorted((files / "report-figures").glob("*.svg"))
    assert len(figures) == 5
    for path in figures:
        text = "".join(ElementTree.parse(path).getroot().itertext())
        clean(text, path.name)
        assert r"$\frac$" in text, path.name


def test_all_text_of_commands_leaves_through_one_file() -> None:
    folder = Path(mtlbench.cli.__file__).parent
    others = [path for path in folder.rglob("*.py") if path.name != "output.py"]
    assert len(others) > 20
    ways = re.compile(r"typer\.echo|rich\.text|sys\.std(out|err)\.write|(?<![.\w])print\(")
    assert [path.name for path in others if ways.search(path.read_text())] == []
