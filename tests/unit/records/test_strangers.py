"""What comes from a stranger is data: it runs no code, and cannot disguise itself where it is shown."""

import ast
import io
from pathlib import Path

import pytest
from many_records import many_records, stem_of
from markdown_it import MarkdownIt
from rich.console import Console

from mtlbench.config.study import Study
from mtlbench.errors import UsageError
from mtlbench.leaderboards import build, parse_page, to_markdown, to_rich
from mtlbench.records import Record, RecordStore

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("mtlbench", "plugins") for path in (ROOT / folder).rglob("*.py")]
CODE_FROM_DATA = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
WRITES_A_CLASS = ROOT / "mtlbench" / "notebook" / "own.py"
"""Writes a class of the user's own notebook into a plugin file, which is code."""
HOSTILE = (
    "x|y\n# h <script>alert(1)</script> [a](javascript:b) [red]r[/red] \x1b[2J\x1b]8;;http://e\x07 `c` &amp; **b** "
    "\u202e"
)


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_source_reads_a_pickle() -> None:
    assert len(SOURCES) > 100
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found = {name.partition(".")[0] for name in names} & CODE_FROM_DATA
            assert found <= ({"cloudpickle"} if path == WRITES_A_CLASS else set()), path
        for call in calls(tree):
            text = ast.unparse(call.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert not text.startswith("cloudpickle.") or text == "cloudpickle.dumps", path
            if text == "torch.load":
                assert given.get("weights_only") == "True", path
            if text in {"np.load", "numpy.load"}:
                assert given.get("allow_pickle", "False") == "False", path
            assert text not in {"eval", "exec", "pd.read_pickle"}, path


def test_a_study_file_cannot_name_code(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "study.toml").write_text('plugins = ["evil.py"]')
    with pytest.raises(UsageError, match="cannot name code to run"):
        Study.load(tmp_path / "study.toml")
    assert not (tmp_path / "ran").exists()


def test_a_folder_of_results_runs_nothing(tmp_path: Path) -> None:
    [record] = many_records(1)
    use = record.weighting.model_copy(update={"name": "os.system", "source": "evil.py", "params": {"__class__": "x"}})
    store = RecordStore(tmp_path)
    store.write(record.model_copy(update={"weighting": use}), stem_of(record))
    for folder in (tmp_path, store.folder):
        (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
        (folder / "conftest.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    build(store.read_all())
    assert not (tmp_path / "ran").exists()


def hostile_records() -> list[Record]:
    made = []
    for record in many_records(20, seeds=2):
        uses = {
            kind: getattr(record, kind).model_copy(update={"label": HOSTILE + getattr(record, kind).label})
            for kind in ("dataset", "backbone", "weighting")
        }
        facts = {**record.dataset.facts, HOSTILE: HOSTILE}
        dataset = uses.pop("dataset").model_copy(update={"facts": facts})
        changed = {**uses, "dataset": dataset, "method": HOSTILE + record.method, "preset": HOSTILE}
        made.append(record.model_copy(update={**changed, "diagnostics": {HOSTILE: 1.0}}))
    return made


def test_a_hostile_name_is_only_text_in_markdown() -> None:
    page = to_markdown(build(hostile_records()))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    inline = [child for token in tokens for child in (token.children or [])]
    html = [token.content for token in [*tokens, *inline] if token.type.startswith("html")]
    assert not [text for text in html if "script" in text.lower()]
    assert not [token for token in inline if token.type == "link_open"]
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    widths = {len(line.replace("\\|", "").split("|")) for line in page.splitlines() if line.startswith("| x")}
    assert widths
    assert parse_page(page, "page").boards


def test_a_hostile_name_is_only_text_in_a_terminal() -> None:
    console = Console(width=100, record=True, force_terminal=False, file=io.StringIO())
    console.print(to_rich(build(hostile_records()), 100))
    shown = console.export_text()
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[red]" in shown
