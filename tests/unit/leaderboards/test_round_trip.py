"""A page shows every table, read back it has every score, and an edit by hand is seen, whatever the names."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from record_factory import METRICS, plugin, record
from rendered_pages import meant, rendered
from test_writers import study

from mtlbench.errors import UsageError
from mtlbench.leaderboards import build, parse_page, read_page, to_markdown
from mtlbench.leaderboards.boards.scores import board_scores
from mtlbench.leaderboards.formats.page import edits, unsealed
from mtlbench.text import one_line

ROOT = Path(__file__).parents[3]

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


@settings(max_examples=60)
@example(
    records=[record("A", dataset="#", dataset_label="#", reference=True)], layout="methods", sort="name", title="a ##"
)
@given(
    records=studies(),
    layout=st.sampled_from(["methods", "paper"]),
    sort=st.sampled_from(["weighting", "name", "rank", "delta_m"]),
    title=names,
)
def test_a_page_shows_every_table_and_read_back_has_every_score(records, layout, sort, title):
    tables = build(records, layout, sort)
    text = to_markdown(tables, title)
    assert list(rendered(text)) == list(meant(tables, title))
    page = parse_page(text, "page")
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


@settings(max_examples=60)
@given(records=studies(), layout=st.sampled_from(["methods", "paper"]))
def test_an_unedited_page_is_accepted_with_and_without_its_checksum(records, layout):
    text = to_markdown(build(records, layout))
    assert unsealed(text) != text
    for page in (text, unsealed(text)):
        assert list(edits(page, parse_page(page, "page"))) == []


@pytest.mark.parametrize("path", sorted((ROOT / "leaderboards").glob("[!R]*.md")), ids=lambda path: path.stem)
def test_the_pages_of_the_repository_are_accepted_as_older_versions_wrote_them(path, tmp_path):
    old = tmp_path / path.name
    old.write_text(unsealed(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert read_page(old) == read_page(path)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("layout", ["methods", "paper"])
def test_every_mean_that_is_edited_is_named_with_its_line(layout, sealed, tmp_path):
    path = tmp_path / "leaderboard.md"
    text = to_markdown(build(study(), layout))
    text = text if sealed else unsealed(text)
    lines = text.splitlines(keepends=True)
    edited = 0
    for i, line in enumerate(lines[: lines.index("### Rank and Spend\n")]):
        for mean in re.finditer(r"(?<![+−])0\.\d{4}(?=\(\d+\))", line) if line.startswith("| ") else ():
            other = f"0.{(int(mean[0][2:]) + 5000) % 10000:04d}"
            lines[i] = line[: mean.start()] + other + line[mean.end() :]
            path.write_text("".join(lines), encoding="utf-8")
            with pytest.raises(UsageError, match="was edited by hand") as refused:
                read_page(path)
            assert f"line {i + 1} shows {other}(" in str(refused.value)
            assert f"have the mean {mean[0]}(" in str(refused.value)
            edited += 1
        lines[i] = line
    # 24 methods of which two have no scores, and one with other parameters; six columns.
    assert edited == 23 * 6


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lower is better", "LOWER is better"),
        ("     1.5 |", "     0.5 |"),
        ("- ¹ RMTL", "- ¹ Rmtl"),
        ("\n## S", "\n\n## S"),
    ],
)
def test_whatever_else_is_edited_is_seen_by_the_checksum(old, new, tmp_path):
    path = tmp_path / "leaderboard.md"
    text = to_markdown(build(study()))
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match="was edited by hand: it is not what was written, by the checksum at its end"):
        read_page(path)


@pytest.mark.parametrize("sealed", [True, False])
def test_a_score_that_is_edited_is_not_the_one_that_is_shown(sealed, tmp_path):
    path = tmp_path / "leaderboard.md"
    text = to_markdown(build([record("PLE", 0.7), record("RMTL-PLE", 0.72)]))
    edited = text.replace("[0.72]", "[0.79]", 1)
    assert edited != text
    path.write_text(edited if sealed else unsealed(edited), encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 22 shows 0\.7200, where the seeds of RMTL-PLE have the mean 0\.7900"):
        read_page(path)


def test_a_score_that_is_edited_below_the_printed_digits_is_seen_by_the_checksum(tmp_path):
    path = tmp_path / "leaderboard.md"
    path.write_text(to_markdown(build([record("PLE", 0.72)])).replace("[0.72]", "[0.720001]", 1), encoding="utf-8")
    with pytest.raises(UsageError, match="checksum"):
        read_page(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "# Something else\n", "is no leaderboard page"),
        (lambda text: text[: text.index("<details>")], "carries no scores of seeds"),
        (lambda text: text.replace('"fingerprint"', '"finger"'), "are damaged: 0.fingerprint: Field required"),
        (lambda text: text.replace("[\n{", "[\n{{"), "are damaged: Invalid JSON"),
        (lambda text: text.replace('"seeds": [0]', '"seeds": [0, 1]'), "PLE does not have a score of every seed"),
        (lambda text: text.replace('"columns": [["click", "auc"], ', '"columns": ['), "scores of every column"),
        (lambda text: text.replace("build; do", "build --sort 'a; do"), "first line of .* is damaged: No closing quot"),
        (
            lambda text: re.sub(r"\| PLE .*\n", "", text),
            "a row is missing, where the seeds of PLE have",
        ),
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
