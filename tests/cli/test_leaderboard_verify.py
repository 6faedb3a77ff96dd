"""``mtlbench leaderboard verify``: each way in which a record or a page can be wrong is caught, by the cell's name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from record_factory import record

import mtlbench as package
from mtlbench.cells import PROTOCOL
from mtlbench.leaderboards.formats.page import unsealed
from mtlbench.records import SINCE_CHECKSUMS, Epoch, RecordStore, checksum, read_record
from mtlbench.verification.duplicates import duplicates
from mtlbench.verification.folders import Stored
from mtlbench.verification.identities import recomputed, stem

STUDY = ["--dataset", "synthetic[rows=2500]", "--backbone", "shared-bottom", "--seeds", "2", "--epochs", "2"]
METHODS = ["--weighting", "constant,rlw,loss-aware"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder as `mtlbench run` leaves it."""
    from mtlbench.cli import main

    out = tmp_path_factory.mktemp("trained") / "results"
    with pytest.raises(SystemExit) as end:
        main(["run", *STUDY, *METHODS, "--out", str(out), "--jobs", "1", "--quiet"])
    assert not end.value.code
    return out


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained / "records", tmp_path / "results" / "records")).parent


@pytest.fixture
def page(trained: Path, results: Path) -> Path:
    return Path(shutil.copy(trained / "leaderboard.md", results))


def file_of(results: Path, weighting: str, seed: int) -> Path:
    [path] = (results / "records").glob(f"*.{weighting}.seed{seed}.*.json")
    return path


def change(path: Path, edit: Callable[[dict[str, Any]], object], *, seal: bool = False) -> None:
    """Edit a record; ``seal`` gives it the checksum of its new content."""
    content = json.loads(path.read_text())
    edit(content)
    if seal:
        content["checksum"] = checksum(content)
    path.write_text(json.dumps(content, indent=1))


def said(done: Any) -> list[str]:
    """The lines on stdout, without the note that the checkout of these tests has uncommitted changes."""
    return [line for line in done.out.splitlines() if "uncommitted changes" not in line]


def raise_auc(content: dict[str, Any]) -> None:
    content["metrics"]["test"]["click"]["auc"] += 0.01


def older(content: dict[str, Any]) -> None:
    """As a version wrote it that had no checksums yet."""
    for name in SINCE_CHECKSUMS:
        del content[name]


def named(path: Path, method: str, seed: int) -> str:
    return f"{path}: {method} on Synthetic [rows=2500], seed {seed} ({read_record(path).cell[:12]}):"


def test_what_run_wrote_is_well(mtlbench: Any, results: Path, page: Path) -> None:
    done = mtlbench("leaderboard", "verify", results)
    assert (done.code, said(done)) == (0, ["6 records and 1 page checked: all is well"])


@pytest.mark.parametrize("options", [["--sort", "click.auc"], ["--baseline", "rlw"], ["--layout", "paper"]])
def test_a_page_is_built_again_with_its_own_options(mtlbench: Any, results: Path, options: list[str]) -> None:
    assert mtlbench("leaderboard", "build", results, *options).code == 0
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 0, done.out


def test_a_tampered_metric_is_seen_by_the_checksum(mtlbench: Any, results: Path, page: Path) -> None:
    path = file_of(results, "rlw", 1)
    change(path, raise_auc)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"checksum: {named(path, 'RLW-Shared Bottom', 1)} its content is not what was written" in done.out


@pytest.mark.parametrize("checksums", [True, False])
def test_a_tampered_metric_that_no_checksum_shows_disagrees_with_the_page(
    mtlbench: Any, results: Path, page: Path, checksums: bool
) -> None:
    path = file_of(results, "rlw", 1)
    old = json.loads(path.read_text())["metrics"]["test"]["click"]["auc"]
    change(path, raise_auc, seal=True)
    if not checksums:
        change(path, older)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert "checksum" not in done.out
    text = (
        f"page: {named(path, 'RLW-Shared Bottom', 1)} click AUC is {old + 0.01} in the record and {old} in leaderboard"
    )
    assert text in done.out


def test_a_hand_edited_cell_is_named(mtlbench: Any, results: Path, page: Path) -> None:
    text = page.read_text()
    row = next(line for line in text.splitlines() if line.startswith("| RLW-Shared Bottom"))
    cell = row.split("|")[2]
    shown = cell.strip().strip("*")
    better = shown.replace("0.", "0.9", 1)[: len(shown)]
    page.write_text(text.replace(row, row.replace(shown, better, 1)))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    lines = done.out.splitlines()
    [place] = [i for i, line in enumerate(lines) if line.startswith("page:")]
    number = 1 + text.splitlines().index(row)
    assert lines[place].startswith(f"page: {page}: it does not read as the records give it: it was edited by hand or")
    assert lines[place + 3 : place + 6] == [
        f"@@ -{number} +{number} @@",
        f"-{row.replace(shown, better, 1)}",
        f"+{row}",
    ]
    assert not lines[place + 6].startswith(("+", "-", "@"))


def test_an_edited_caption_is_shown_by_its_line(mtlbench: Any, results: Path, page: Path) -> None:
    page.write_text(page.read_text().replace("lower is better", "LOWER is better", 1))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    [gone, given] = [line for line in done.out.splitlines() if line.startswith(("-Bold", "+Bold"))]
    assert gone == given.replace("+Bold", "-Bold").replace("lower is better", "LOWER is better", 1)


def test_an_edited_score_of_the_page_names_its_cell(mtlbench: Any, results: Path, page: Path) -> None:
    record = read_record(file_of(results, "rlw", 1))
    assert record.metrics
    score = record.metrics["test"]["click"]["auc"]
    assert page.read_text().count(str(score)) == 1
    page.write_text(page.read_text().replace(str(score), "0.99"))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    told = (
        f"page: {named(file_of(results, 'rlw', 1), 'RLW-Shared Bottom', 1)} click AUC is {score} in the record and 0.99"
    )
    assert told in done.out


def test_a_page_of_an_older_version_without_a_checksum(mtlbench: Any, results: Path, page: Path) -> None:
    page.write_text(unsealed(page.read_text()))
    assert mtlbench("leaderboard", "verify", results).code == 0
    page.write_text(page.read_text().replace("lower is better", "LOWER is better", 1))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    lines = [line for line in done.out.splitlines()[1:-1] if not line.startswith("note:")]
    assert [line[0] for line in lines] == ["-", "+", "@", "-", "+"]


def test_a_row_that_has_no_record(mtlbench: Any, results: Path, page: Path) -> None:
    file_of(results, "rlw", 1).unlink()
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"{page}: row RLW-Shared Bottom: the page has seed 1, of which there is no record" in done.out
    file_of(results, "rlw", 0).unlink()
    done = mtlbench("leaderboard", "verify", results)
    assert f"{page}: Synthetic [rows=2500]: the page has a row RLW-Shared Bottom, of which there is no" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (" --colour red", "its first line names the option '--colour', which is none of --layout, --sort, --baseline"),
        (" --layout papr", "unknown layout 'papr': did you mean 'paper'?"),
        (" --baseline rwl", "unknown baseline 'rwl': did you mean 'rlw'?"),
    ],
)
def test_options_of_a_page_that_there_are_none_of(
    mtlbench: Any, results: Path, page: Path, words: str, message: str
) -> None:
    page.write_text(page.read_text().replace("leaderboard build;", f"leaderboard build{words};", 1))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"page: {page}: {message}" in done.out


def test_an_edited_checksum_is_shown(mtlbench: Any, results: Path, page: Path) -> None:
    text = page.read_text()
    page.write_text(text[:-12] + ("0" if text[-12] != "0" else "1") + text[-11:])
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert "+<!-- sha256 of all above: " in done.out


def test_a_stale_table_names_the_cells_that_it_lacks(mtlbench: Any, results: Path, page: Path) -> None:
    path = file_of(results, "rlw", 1)
    away = path.rename(results / "away.json")
    assert mtlbench("leaderboard", "build", results).code == 0
    away.rename(path)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"page: {named(path, 'RLW-Shared Bottom', 1)} leaderboard.md lacks it, so the page is older" in done.out


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.update(seed=7),
        lambda content: content["weighting"]["params"].update(warmup=3),
        lambda content: content["training"].update(epochs=50),
        lambda content: content["dataset"].update(fingerprint="0" * 64),
    ],
)
def test_what_was_run_cannot_be_changed(mtlbench: Any, results: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = file_of(results, "rlw", 0)
    change(path, edit, seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"identity: {path}: RLW" in done.out
    assert "its id is not that of what it says was run" in done.out


def test_a_renamed_file(mtlbench: Any, results: Path) -> None:
    path = file_of(results, "rlw", 0)
    path.rename(path.with_name("best.json"))
    assert f"its file must be called {path.name}" in mtlbench("leaderboard", "verify", results).out


def test_a_damaged_file_does_not_hide_the_others(mtlbench: Any, results: Path) -> None:
    file_of(results, "rlw", 0).write_text("{}")
    change(file_of(results, "rlw", 1), raise_auc)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert {line.partition(":")[0] for line in done.out.splitlines()} >= {"schema", "checksum"}


def test_an_epoch_that_validation_would_not_choose(mtlbench: Any, results: Path) -> None:
    path = file_of(results, "rlw", 0)
    kept = read_record(path).best_epoch
    assert kept is not None
    other = 3 - kept["train"]
    change(path, lambda content: content["best_epoch"].update(train=other), seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert f"selection: {named(path, 'RLW-Shared Bottom', 0)} it kept epoch {other} of stage train" in done.out
    assert "it was not chosen on the validation split" in done.out


@pytest.mark.parametrize("kept", [1, 2])
def test_of_epochs_of_equal_score_any_may_be_kept(mtlbench: Any, results: Path, kept: int) -> None:
    def tie(content: dict[str, Any]) -> None:
        content["best_epoch"] = {"train": kept}
        for point in content["curve"]:
            point["validation"] = {task: content["metrics"]["validation"][task]["auc"] for task in point["validation"]}

    change(file_of(results, "rlw", 0), tie, seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert "selection:" not in done.out


def test_scores_of_another_state_than_the_one_kept(mtlbench: Any, results: Path) -> None:
    path = file_of(results, "rlw", 0)
    change(path, lambda content: content["metrics"]["validation"]["click"].update(auc=0.99), seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert "selection:" in done.out
    assert "which it kept, has" in done.out


def test_a_start_that_was_kept_though_training_on_was_better(mtlbench: Any, results: Path) -> None:
    path, source = file_of(results, "loss-aware", 0), file_of(results, "constant", 0)

    def keep_start(content: dict[str, Any]) -> None:
        content["best_epoch"] = {"continue": 0}
        content["metrics"] = json.loads(source.read_text())["metrics"]
        for point in content["curve"]:
            point["validation"] = dict.fromkeys(point["validation"], 0.99)

    change(path, keep_start, seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert f"selection: {named(path, 'Loss-Aware-Shared Bottom', 0)} it kept what it started from" in done.out


def test_a_curve_of_other_tasks_than_the_dataset_has(mtlbench: Any, results: Path) -> None:
    def rename(content: dict[str, Any]) -> None:
        content["curve"][0]["validation"]["purchase"] = content["curve"][0]["validation"].pop("click")

    change(file_of(results, "rlw", 0), rename, seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert "impossible:" in done.out
    assert "curve, stage train, epoch 1, validation has the tasks conversion, purchase" in done.out


@pytest.mark.parametrize("field", ["objective", "validation_loss"])
@pytest.mark.parametrize("by", [-0.01, 0.01])
def test_a_choice_that_is_not_that_of_the_scores(mtlbench: Any, results: Path, field: str, by: float) -> None:
    path = file_of(results, "rlw", 0)
    change(path, lambda content: content["selection"].update({field: content["selection"][field] + by}), seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert f"selection: {named(path, 'RLW-Shared Bottom', 0)} selection.{field} is " in done.out


def copied(results: Path, origin: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A record with the outcome of another, otherwise in order."""
    content = json.loads(origin.read_text())
    edit(content)
    RecordStore(results).write(read_record(origin), "copy")
    path = results / "records" / "copy.json"
    path.write_text(json.dumps(content))
    content["cell"] = recomputed(read_record(path))
    content["checksum"] = checksum(content)
    path.write_text(json.dumps(content))
    return path.rename(path.with_name(f"{stem(read_record(path))}.json"))


def test_a_method_that_is_another_under_a_new_name(mtlbench: Any, results: Path) -> None:
    def renamed(content: dict[str, Any]) -> None:
        content["weighting"].update(name="mine", label="Mine")
        content["method"] = "Mine-Shared Bottom"

    copied(results, file_of(results, "rlw", 0), renamed)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert "duplicate:" in done.out
    assert "Mine-Shared Bottom on Synthetic [rows=2500], seed 0" in done.out


def test_a_seed_that_repeats_another(mtlbench: Any, results: Path) -> None:
    path = copied(results, file_of(results, "rlw", 0), lambda content: content.update(seed=5))
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 1
    assert (
        f"are those of RLW-Shared Bottom on Synthetic [rows=2500], seed 5 ({read_record(path).cell[:12]})" in done.out
    )


def test_a_method_that_used_its_whole_budget_is_no_copy_of_itself(mtlbench: Any, results: Path) -> None:
    budget = {"budget": "steps", "allowance": 4.0}
    copied(results, file_of(results, "rlw", 0), lambda content: content["training"].update(budget))
    done = mtlbench("leaderboard", "verify", results)
    assert "duplicate:" not in done.out
    copied(results, file_of(results, "rlw", 1), lambda content: content["training"].update(epochs=3))
    assert "duplicate:" in mtlbench("leaderboard", "verify", results).out


def test_parameters_that_make_one_method_another_are_noted(mtlbench: Any, results: Path) -> None:
    def with_parameter(content: dict[str, Any]) -> None:
        content["weighting"].update(name="mine", params={"rate": 0}, changed={"rate": 0})

    copied(results, file_of(results, "rlw", 0), with_parameter)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 0, done.out
    assert "note:" in done.out


def test_on_a_single_task_weightings_may_be_one_method() -> None:
    def told(tasks: tuple[str, ...]) -> tuple[list[str], list[str]]:
        scores = dict.fromkeys(tasks, 0.7)
        curve = [Epoch(stage="train", epoch=1, train_loss=scores, validation=scores, weights=None)]
        records = (record(f"{name}-MMoE", tasks=tasks).model_copy(update={"curve": curve}) for name in ("DWA", "RLW"))
        found, notes = duplicates([Stored(Path("a.json"), one) for one in records], {})
        return [str(one) for one in found], [str(one) for one in notes]

    found, [note] = told(("click",))
    assert found == []
    assert "on a single task weightings may be one method" in note
    [finding], notes = told(("click", "pay"))
    assert notes == []
    assert "run both again" in finding


def test_methods_that_end_before_they_change_a_weight_are_noted(mtlbench: Any, results: Path) -> None:
    def with_weights(name: str, most: float) -> Callable[[dict[str, Any]], None]:
        def edit(content: dict[str, Any]) -> None:
            content["weighting"].update(name=name, label=name.upper())
            content["method"] = f"{name.upper()}-Shared Bottom"
            for point in content["curve"]:
                for weight in point["weights"].values():
                    weight.update(dict.fromkeys(weight, 1.0), max=most)

        return edit

    origin = file_of(results, "rlw", 0)
    copied(results, origin, with_weights("dwa", 1.0))
    copied(results, origin, with_weights("loss-aware", 1.0))
    origin.unlink()
    done = mtlbench("leaderboard", "verify", results)
    assert "neither changed a weight" in done.out
    assert "\nduplicate:" not in f"\n{done.out}"
    copied(results, file_of(results, "dwa", 0), with_weights("loss-aware", 1.5))
    assert "duplicate:" in mtlbench("leaderboard", "verify", results).out


def test_declared_coincidences_are_no_findings(mtlbench: Any, results: Path) -> None:
    def of(name: str) -> Callable[[dict[str, Any]], None]:
        return lambda content: content["weighting"].update(name=name)

    origin = file_of(results, "rlw", 0)
    copied(results, origin, of("pcgrad"))
    copied(results, origin, of("upgrad"))
    origin.unlink()
    done = mtlbench("leaderboard", "verify", results)
    assert "duplicate" not in done.out


def test_a_record_of_another_protocol(mtlbench: Any, results: Path) -> None:
    change(file_of(results, "rlw", 0), lambda content: content.update(protocol=PROTOCOL + 1))
    done = mtlbench("leaderboard", "verify", results)
    assert f"it is of protocol {PROTOCOL + 1}, the others are of protocol {PROTOCOL}" in done.out


def test_records_of_several_versions_of_the_code_or_of_none_are_noted(mtlbench: Any, results: Path) -> None:
    def commit(name: str | None) -> Callable[[dict[str, Any]], None]:
        return lambda content: content["environment"].update(git=name)

    paths = sorted((results / "records").glob("*.json"))
    for path in paths:
        change(path, commit("a" * 40), seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert "versions of the code" not in done.out
    change(paths[0], commit("b" * 40 + "-dirty"), seal=True)
    change(paths[1], commit(None), seal=True)
    done = mtlbench("leaderboard", "verify", results)
    assert done.code == 0
    assert "all is well" in done.out
    notes = [line for line in done.out.splitlines() if line.startswith("note: ") and "no page" not in line]
    assert len(notes) == 2
    assert f"made with 3 versions of the code: {'a' * 12} (4), " in notes[0]
    assert f"{'b' * 12}-dirty (1)" in notes[0]
    assert f"mtlbench {package.__version__} (1)" in notes[0]
    assert "1 of 6 records were made with uncommitted changes" in notes[1]


def test_cells_run_again_are_the_same_to_the_last_bit(mtlbench: Any, results: Path) -> None:
    done = mtlbench("leaderboard", "verify", results, "--rerun", 1, "--sample-seed", 3)
    assert done.code == 0, done.out
    assert "1 cell run again: all is well" in done.out


def test_a_consistent_forgery_is_seen_by_running_it_again(mtlbench: Any, results: Path) -> None:
    for path in (results / "records").glob("*.json"):
        change(path, raise_auc, seal=True)
    assert mtlbench("leaderboard", "build", results).code == 0
    assert mtlbench("leaderboard", "verify", results).code == 0  # nothing else can see it
    done = mtlbench("leaderboard", "verify", results, "--rerun", 1, "--cheapest", "--json")
    assert done.code == 1
    found = json.loads(done.out)
    [finding] = found["findings"]
    assert (found["reruns"], finding["check"]) == (1, "rerun")
    assert "test click AUC is" in finding["text"]


def test_another_machine_is_given_a_tolerance(mtlbench: Any, results: Path) -> None:
    def elsewhere(content: dict[str, Any]) -> None:
        content["environment"]["processor"] = "another"
        content["metrics"]["test"]["click"]["auc"] += 0.004

    for path in (results / "records").glob("*.json"):
        change(path, elsewhere, seal=True)
    verify = ["leaderboard", "verify", results, "--rerun", 1, "--cheapest"]
    assert mtlbench(*verify).code == 0
    done = mtlbench(*verify, "--tolerance", "0.001")
    assert done.code == 1
    assert "more than 0.001 apart" in done.out


def test_a_cell_whose_data_are_absent_is_said_to_be_not_rerunnable(
    mtlbench: Any, results: Path, tmp_path: Path
) -> None:
    path = file_of(results, "rlw", 0)
    change(path, lambda content: content["dataset"].update(name="kuairand", params={}), seal=True)
    for other in (results / "records").glob("*.json"):
        if other != path:
            other.unlink()
    done = mtlbench("leaderboard", "verify", results, "--rerun", 1, "--data-dir", tmp_path)
    assert "not rerunnable here" in done.out
    assert "0 of 1 cells were run again" in done.out
    assert "rerun:" not in done.out


def test_several_boards_in_one_folder(mtlbench: Any, results: Path, page: Path, tmp_path: Path) -> None:
    boards = tmp_path / "leaderboards"
    for name in ("one", "two"):
        shutil.copytree(results / "records", boards / "records" / name)
        shutil.copy(page, boards / f"{name}.md")
    done = mtlbench("leaderboard", "verify", boards)
    assert (done.code, said(done)) == (0, ["12 records and 2 pages checked: all is well"])
    (boards / "two.md").unlink()
    (boards / "three.md").write_text(page.read_text())
    done = mtlbench("leaderboard", "verify", boards)
    assert done.code == 1
    assert f"{boards / 'two.md'}: there is no page" in done.out
    assert f"{boards / 'records' / 'three'}: three.md has no records" in done.out


@pytest.mark.parametrize("make", [False, True])
def test_what_is_no_folder_of_records_exits_2(mtlbench: Any, tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "nothing"
    if make:
        folder.mkdir()
    done = mtlbench("leaderboard", "verify", folder)
    assert (done.code, done.out) == (2, "")
    assert str(folder) in done.err
