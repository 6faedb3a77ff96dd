"""Trials of every method, the choice among them, and the rows that report it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mtlbench.api import UsageError
from mtlbench.config.plan import SEARCH_SEEDS
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments import recording, run_cell
from mtlbench.experiments.expand import expand
from mtlbench.experiments.searching import Searching
from mtlbench.leaderboards import build
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards, method_key
from mtlbench.leaderboards.boards.naming import method_name
from mtlbench.leaderboards.publishing import read_records, searches_of
from mtlbench.operations.merging import merge
from mtlbench.records import RecordStore, checksum
from mtlbench.records.searches import joined, replaced, show
from mtlbench.records.trials import Trial, choose
from mtlbench.records.tuned import with_tuned_rows
from mtlbench.reports.content import content
from mtlbench.statistics.expected_best import expected_best
from mtlbench.verification.verify import verify
from studies import finish_here, outcomes, records

STUDY = ("--dataset", "synthetic[rows=1500]", "--backbone", "shared-bottom", "--epochs", "2", "--seeds", "2", "--quiet")
METHODS = ("--weighting", "constant,scalarization,uncertainty")


def searching(out: Path, **study: object) -> tuple[Searching, list]:
    settings = {
        "datasets": "synthetic[rows=1500]",
        "backbones": "shared-bottom",
        "weightings": "constant,rmtl",
        "seeds": 2,
        "trials": 4,
        "out": out,
        **study,
    }
    catalogue = discover(())
    plan = Study(**settings).resolve(catalogue)
    ordinary = expand(plan, catalogue)
    return Searching(plan, plan.tuned, catalogue, ordinary), ordinary


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "results"
    finish_here([*STUDY, *METHODS, "--trials", "3"], out)
    return out


def test_trials_have_seeds_of_their_own_and_the_same_common_settings(tmp_path: Path) -> None:
    search, ordinary = searching(tmp_path)
    assert {job.cell.seed for job in search.jobs} == {SEARCH_SEEDS}
    assert {job.cell.seed for job in ordinary} == {0, 1}
    by_method = {
        name: {(job.cell.training.canonical, job.cell.backbone.canonical) for job in search.jobs if of(job) == name}
        for name in ("constant", "rmtl")
    }
    assert len(by_method["constant"]) == 4
    assert by_method["constant"] == by_method["rmtl"]


def of(job) -> str:
    return job.cell.weighting.name


def test_a_trial_continues_from_the_same_trial_of_the_method_it_builds_on(tmp_path: Path) -> None:
    jobs = searching(tmp_path)[0].jobs
    starts = [job.warm_start for job in jobs if of(job) == "rmtl"]
    assert len(jobs) == 8
    assert starts == [job.cell for job in jobs if of(job) == "constant"]


def test_a_baseline_that_the_study_does_not_name_is_tuned_where_it_has_a_row(tmp_path: Path) -> None:
    search = searching(tmp_path, weightings="rmtl[critic_from=mmoe]")[0]
    search.announce(RecordStore(tmp_path))
    searched = {(one.backbone.name, one.weighting.name): len(one.hidden) for one in searches_of(tmp_path)}
    assert searched.keys() == {("shared-bottom", "rmtl"), ("shared-bottom", "constant")}
    assert searched["shared-bottom", "constant"] == 4
    search = searching(tmp_path / "other", weightings="uncertainty")[0]
    assert {of(job) for job in search.jobs} == {"uncertainty"}


def test_every_search_has_settings_and_a_seed_of_its_own(tmp_path: Path) -> None:
    jobs = searching(tmp_path, weightings="constant", searches=2)[0].jobs
    settings = [{job.cell.training.canonical for job in jobs if job.cell.seed == SEARCH_SEEDS + r} for r in range(2)]
    assert [len(one) for one in settings] == [4, 4]
    assert len(settings[0] & settings[1]) == 1  # trial 0


def test_what_makes_no_pair_is_not_searched(tmp_path: Path) -> None:
    search, ordinary = searching(tmp_path, weightings="pcgrad", backbones="single-task")
    assert search.jobs == []
    assert all(job.not_applicable for job in ordinary)


def test_a_value_that_no_training_has_is_refused_before_any_trial(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[common]\nlearning_rate = {low = -2, high = -1}")
    with pytest.raises(UsageError, match=r"learning_rate = -1\.\d+ is out of range.*correct the range"):
        searching(tmp_path, space=tmp_path / "space.toml")


def test_a_value_is_trained_and_recorded_as_the_training_has_it(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[common]\nlearning_rate = {choice = ['0.002']}\nembedding = {choice = ['8']}")
    search, _ = searching(tmp_path, weightings="constant", space=tmp_path / "space.toml")
    later = [job for job in search.jobs if job.cell.training.learning_rate != 0.001]
    assert {job.cell.training.learning_rate for job in later} == {0.002}
    assert len({job.cell.id for job in later}) == 3
    (tmp_path / "space.toml").write_text("[common]\nlearning_rate = {choice = [0.002]}\nembedding = {choice = [8]}")
    search, _ = searching(tmp_path, weightings="constant", space=tmp_path / "space.toml")
    assert {job.cell.id for job in search.jobs} >= {job.cell.id for job in later}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"trials": 0, "searches": 2}, "add --trials"),
        ({"budget": "steps"}, "exclude each other"),
        ({"searches": 3, "seeds": 2}, "3 searches need as many seeds, and there are 2"),
        ({"seeds": (SEARCH_SEEDS,)}, "are those of trials"),
    ],
)
def test_settings_that_exclude_trials_are_refused(keys: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Study(**{"trials": 3, **keys})


def test_the_board_has_default_and_tuned_rows_and_no_row_of_a_trial(finished: Path) -> None:
    rows = {(record.method, *record.weighting.changed.items(), record.seed) for record in read_records(finished)}
    methods = ["Shared Bottom", "UW-Shared Bottom"]
    default = {(method, seed) for method in methods for seed in (0, 1)}
    tuned = {(method, ("trials", 3), seed) for method in [*methods, "Scalarization-Shared Bottom"] for seed in (0, 1)}
    assert rows == default | tuned


def test_the_budget_of_a_tuned_row_has_all_trials(finished: Path) -> None:
    searches = {search.method: search for search in searches_of(finished)}
    for record in read_records(finished):
        if "trials" in record.weighting.params:
            trials = searches[record.method].trials
            assert record.spend[0].steps == sum(trial.steps for trial in trials) > 0
            assert len(trials) == 3


def test_the_tuned_constant_is_the_tuned_baseline(finished: Path) -> None:
    flags = {(record.method, record.baseline, record.tuned_baseline) for record in read_records(finished)}
    assert ("Shared Bottom", True, False) in flags
    assert ("Shared Bottom", False, True) in flags
    assert ("Scalarization-Shared Bottom", False, False) in flags


def test_the_setting_with_the_best_validation_score_is_reported(finished: Path) -> None:
    stored = records(finished)
    for search in searches_of(finished):
        scores = [stored[trial.cell].selection.objective for trial in search.trials]
        assert search.chosen == int(np.argmax(scores))
        setting = search.winner
        for one in search.reports:
            record = stored[one.cell]
            assert record.seed == one.seed < SEARCH_SEEDS
            assert {**record.training, **setting.training} == record.training
            assert {**record.backbone.params, **setting.backbone} == record.backbone.params


def test_a_second_run_trains_nothing_and_more_trials_keep_the_old_ones(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = outcomes(finished)
    found = [path.read_bytes() for path in sorted((finished / "records" / "searches").iterdir())]
    finish_here([*STUDY, *METHODS, "--trials", "3"], finished)
    assert outcomes(finished) == before
    assert [path.read_bytes() for path in sorted((finished / "records" / "searches").iterdir())] == found


def test_test_labels_change_no_choice(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = run_cell.load

    def permuted(*arguments: object) -> object:
        splits = load(*arguments)
        order = torch.randperm(len(splits.test.labels), generator=torch.Generator().manual_seed(1))
        return replace(splits, test=replace(splits.test, labels=splits.test.labels[order]))

    monkeypatch.setattr(run_cell, "load", permuted)
    run_cell._SPLITS.clear()
    finish_here([*STUDY, *METHODS, "--trials", "3"], tmp_path / "permuted")
    run_cell._SPLITS.clear()
    there, here = ({one.search: one for one in searches_of(out)} for out in (finished, tmp_path / "permuted"))
    assert there.keys() == here.keys()
    for name, search in there.items():
        assert here[name].chosen == search.chosen
        assert [trial.score for trial in here[name].trials] == [trial.score for trial in search.trials]
    auc = [
        [record.metrics["test"]["click"]["auc"] for record in read_records(out)]
        for out in (finished, tmp_path / "permuted")
    ]
    assert auc[0] != auc[1]  # the labels did change


def test_a_search_that_has_not_ended_shows_no_trial_as_a_row(tmp_path: Path) -> None:
    search, _ = searching(tmp_path, weightings="constant")
    search.announce(RecordStore(tmp_path))
    (found,) = searches_of(tmp_path)
    assert {job.cell.id for job in search.jobs} == set(found.hidden)
    assert found.trials == []


def test_a_dry_run_lists_the_trials_and_what_they_change(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish_here([*STUDY, "--weighting", "constant", "--trials", "3", "--dry-run"], tmp_path)
    said = capsys.readouterr().out
    (constant,) = (search for search in searches_of(finished) if search.baseline)
    for trial in constant.trials[1:]:
        assert f"trial: learning_rate={trial.training['learning_rate']}, " in said
    assert "5 cells, 0 of them recorded already; up to 2 more follow from what these give" in said
    finish_here([*STUDY, "--weighting", "constant", "--trials", "3", "--dry-run"], finished)
    assert "5 cells, 5 of them recorded already" in capsys.readouterr().out


def rows_of(out: Path) -> set[tuple[str, int]]:
    """Of each row of a page that is not at the study's own settings: its name and a seed."""
    for record in read_records(out):
        assert record.seed < SEARCH_SEEDS
        assert record.training["learning_rate"] == 0.001
    return {(method_name(record), record.seed) for record in read_records(out) if record.weighting.changed}


def test_fewer_trials_or_seeds_in_the_same_folder_make_no_row_of_an_earlier_trial(
    finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    finish_here([*STUDY[:-3], "--seeds", "1", "--quiet", "--weighting", "constant", "--trials", "2"], out)
    (of_constant,) = (search for search in searches_of(out) if search.baseline)
    assert len(of_constant.trials) == 2
    names = {name for name, _ in rows_of(out)}
    assert names == {f"{one}Shared Bottom [trials=3]" for one in ("UW-", "Scalarization-")} | {
        "Shared Bottom [trials=2]"
    }


def test_a_study_that_dies_while_its_choice_is_reported_shows_no_row_of_a_choice(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    shutil.rmtree(out / "records" / "searches")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Searching, "write", killed)
    finish_here([*STUDY, *METHODS, "--trials", "3"], out, code=130)
    assert {record.failure.reason for record in read_records(out) if "trials" in record.weighting.changed} == {
        "its search has not ended; run the study again"
    }
    assert len(rows_of(out)) == 6


def test_a_cell_that_a_study_names_is_a_row_though_a_search_ran_it_first(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    (of_constant,) = (search for search in searches_of(out) if search.baseline)
    cell, other = (one.cell for one in of_constant.reports)
    trial = next(one.cell for one in of_constant.trials)
    assert {cell, other, trial} <= {*of_constant.hidden}
    show(RecordStore(out).folder, [cell])

    def hidden() -> set[str]:
        return next({*search.hidden} for search in searches_of(out) if search.baseline)

    assert hidden() == {*of_constant.hidden} - {cell}
    finish_here([*STUDY, *METHODS, "--trials", "3"], out)
    assert hidden() == {*of_constant.hidden} - {cell}


def test_the_records_of_searches_take_no_further_look_at_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, _ = searching(tmp_path, weightings="constant,uncertainty,dwa")
    looks = []
    monkeypatch.setattr(run_cell, "load", lambda *given: looks.append("loaded"))
    monkeypatch.setattr(recording, "_optimum", lambda splits: looks.append("optimum"))
    search.announce(RecordStore(tmp_path))
    assert len(searches_of(tmp_path)) == 3
    assert looks == ["optimum"]


def test_only_searches_that_a_seed_reports_are_done(tmp_path: Path) -> None:
    search, _ = searching(tmp_path, weightings="constant", searches=2, seeds=(1, 3))
    assert {job.cell.seed for job in search.jobs} == {SEARCH_SEEDS + 1}


def test_what_is_searched_and_how_often_tell_rows_apart(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text('[common]\ndropout = "default"')
    for keys in ({}, {"searches": 2}, {"space": tmp_path / "space.toml"}):
        searching(tmp_path, weightings="constant", **keys)[0].announce(RecordStore(tmp_path))
    rows = list(with_tuned_rows([], searches_of(tmp_path)))
    assert len({(method_key(record), record.seed) for record in rows}) == len(rows) == 6
    named = {row.method for board in boards(rows) for row in board.rows if row.sample}
    spaces = {search.space_key for search in searches_of(tmp_path)}
    assert len(spaces) == 2
    assert named == {
        "Shared Bottom [trials=4, searches=2]",
        *(f"Shared Bottom [trials=4] (constant.space={space})" for space in spaces),
    }


def test_a_search_in_the_place_of_another_keeps_its_report_seeds_where_the_choice_is_the_same(finished: Path) -> None:
    old = searches_of(finished)[0]
    fewer = old.model_copy(update={"report_seeds": [0], "reports": old.reports[:1], "hidden": []})
    assert replaced(old, fewer) == old
    other = fewer.model_copy(update={"chosen": (old.chosen + 1) % 3})
    assert replaced(old, other).reports == other.reports
    assert replaced(old, other).hidden == old.hidden


def trial(number: int, score: float | None, loss: float | None = 1.0, status: str = "done") -> Trial:
    return Trial(number=number, cell="c", training={}, backbone={}, weighting={}, status=status, score=score, loss=loss)


def test_the_best_score_wins_then_the_lower_loss_then_the_lower_number() -> None:
    assert choose([trial(0, 0.5), trial(1, 0.7), trial(2, 0.6)]) == 1
    assert choose([trial(0, 0.7, 0.9), trial(1, 0.7, 0.8), trial(2, 0.7, None)]) == 1
    assert choose([trial(0, 0.7), trial(1, 0.7)]) == 0
    assert choose([trial(0, None, status="failed"), trial(1, -0.7)]) == 1
    assert choose([trial(0, None, status="failed")]) is None


def test_where_no_trial_has_a_result_the_row_says_so(finished: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "records" / "searches").mkdir(parents=True)
    source = next((finished / "records" / "searches").glob("*constant*"))
    content = json.loads(source.read_text())
    for one in content["trials"]:
        one.update(status="failed", score=None, loss=None)
    content.update(chosen=None, reports=[])
    (folder / source.name).write_text(json.dumps(content))
    for path in (finished / "records").glob("*.json"):
        (tmp_path / "records" / path.name).write_bytes(path.read_bytes())
    reasons = {r.failure.reason for r in read_records(tmp_path) if r.weighting.params.get("trials") and r.failure}
    assert reasons == {"none of its 3 trials has a result"}


def test_a_row_whose_reporting_record_is_gone_says_so(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    (search,) = (one for one in searches_of(out) if one.weighting.name == "uncertainty")
    (lost,) = (path for path in (out / "records").glob("*.json") if search.reports[0].cell[:12] in path.name)
    lost.unlink()
    rows = [one for one in read_records(out) if one.weighting.changed and one.weighting.name == "uncertainty"]
    assert sorted(one.status for one in rows) == ["done", "failed"]
    (failed,) = (one for one in rows if one.failure)
    assert failed.seed == search.reports[0].seed
    assert f"the record that reports trial {search.chosen} is missing; run the study again" in failed.failure.reason


def verified(out: Path) -> list[str]:
    return [finding.text for finding in verify(out, {})[0].findings]


def tampered(finished: Path, out: Path, change: Callable[[dict], None]) -> list[str]:
    """What verify finds where the search of the constant weights was changed, and sealed again."""
    shutil.copytree(finished, out)
    (path,) = (out / "records" / "searches").glob("*.constant.*")
    content = json.loads(path.read_text())
    change(content)
    content["checksum"] = checksum(content)
    path.write_text(json.dumps(content))
    return verified(out)


def test_verify_computes_the_choice_again(finished: Path, tmp_path: Path) -> None:
    assert verified(finished) == []

    def choose_another(content: dict) -> None:
        content["chosen"] = (content["chosen"] + 1) % 3

    found = tampered(finished, tmp_path / "chosen", choose_another)
    assert any("but the best of its trials on validation is" in text for text in found)
    assert any("the report of seed 0 has" in text for text in found)

    def claim_a_score(content: dict) -> None:
        content["trials"][content["chosen"]]["score"] = 0.99

    def leave_one_out(content: dict) -> None:
        content["trials"] = [one for one in content["trials"] if one["number"] in {0, content["chosen"]}][:2]

    assert any("but 3 are planned" in text for text in tampered(finished, tmp_path / "fewer", leave_one_out))
    assert any("score 0.99" in text for text in tampered(finished, tmp_path / "score", claim_a_score))


def test_verify_names_a_search_that_was_edited_or_is_none(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    one, *_, other = sorted((out / "records" / "searches").iterdir())
    one.write_text(one.read_text().replace('"planned": 3', '"planned": 4'))
    assert any("by its checksum" in text for text in verified(out))
    other.write_text("{}")
    assert any("is no record of a search" in text for text in verified(out))
    with pytest.raises(UsageError, match="is no record of a search: protocol"):
        read_records(out)


def test_a_search_that_stands_twice_is_named(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, out := tmp_path / "results")
    path = next((out / "records" / "searches").iterdir())
    shutil.copy(path, path.with_name(f"copy-of-{path.name}"))
    with pytest.raises(UsageError, match=r"copy-of-.* report the same row and seed; delete one"):
        read_records(out)
    assert any("row and seed of another search" in text for text in verified(out))

    def twice(content: dict) -> None:
        content["report_seeds"] *= 2

    assert any("a seed is reported twice" in text for text in tampered(finished, tmp_path / "twice", twice))


def test_the_page_shows_the_settings_found_and_what_fewer_trials_give(finished: Path) -> None:
    page = (finished / "leaderboard.md").read_text()
    settings, cost = (
        page.partition(f"## Synthetic [rows=1500]: {title}")[2].partition("\n## ")[0]
        for title in ("settings found", "cost of the searches")
    )
    assert "Searched: learning_rate 0.0001 to 0.01, by logarithm" in settings
    for search in searches_of(finished):
        row = next(line for line in settings.splitlines() if line.startswith(f"| {search.method} "))
        cells = [cell.strip() for cell in row.split("|")[2:-1]]
        assert cells[0] == str(search.chosen)
        assert cells[1] == f"{search.winner.training.get('learning_rate', 0.001):.4g}"
        assert cells[3] == f"{search.winner.backbone.get('dropout', 0.2):.4g}"
        scores = [trial.score for trial in search.trials]
        row = next(line for line in cost.splitlines() if line.startswith(f"| {search.method} "))
        cells = [cell.strip() for cell in row.split("|")[2:-1]]
        assert cells[0] == "3"
        assert cells[-3:] == [f"{value:.4f}" for value in expected_best(scores)]


def test_the_caption_says_what_tuned_rows_are_where_there_are_any(finished: Path) -> None:
    said = "A row such as [trials=20] is tuned"
    assert (finished / "leaderboard.md").read_text().count(said) == 1
    ordinary = [record for record in read_records(finished) if "trials" not in record.weighting.params]
    assert not any(said in text for table in build(ordinary) for text in table.caption)


def test_a_search_that_found_nothing_better_shows_the_settings_of_trial_0(finished: Path) -> None:
    (search,) = (one for one in searches_of(finished) if one.weighting.name == "uncertainty")
    records = read_records(finished)
    (table,) = (
        one
        for one in build(records, searches=[search.model_copy(update={"chosen": 0})])
        if "settings found" in one.title
    )
    assert [cell.text for cell in table.lines[0].cells] == ["0", "0.001", "0", "0.2", "16", "0", "s0=-0.5"]


def test_a_parameter_of_two_spaces_is_named_once_with_both_ranges(finished: Path) -> None:
    one, *_ = searches_of(finished)
    other = one.model_copy(update={"space": {**one.space, "learning_rate": "0.1 to 0.2"}, "space_key": "other"})
    (table,) = (
        table for table in build(read_records(finished), searches=[one, other]) if "settings found" in table.title
    )
    assert "Searched: learning_rate 0.0001 to 0.01, by logarithm or 0.1 to 0.2; " in table.caption[1]
    assert table.caption[1].count("learning_rate") == 1


def test_report_and_figures_show_the_searches(finished: Path) -> None:
    found = content(read_records(finished), searches_of(finished))["boards"][0]["searches"]
    assert [one["method"] for one in found] == [
        "Shared Bottom",
        "Scalarization-Shared Bottom",
        "UW-Shared Bottom",
    ]
    assert all(len(one["best"]) == 3 for one in found)


def test_merged_folders_keep_the_tuned_rows(finished: Path, tmp_path: Path) -> None:
    merge([finished], tmp_path)
    assert searches_of(tmp_path) == searches_of(finished)
    half = searches_of(finished)[0]
    one, other = (half.model_copy(update={"report_seeds": [i], "reports": [half.reports[i]]}) for i in (0, 1))
    assert joined(one, other).reports == half.reports
    assert joined(one, half.model_copy(update={"planned": 9, "chosen": 8})).planned == 9


def test_a_search_that_has_not_ended_takes_the_place_of_none_that_has(finished: Path) -> None:
    ended = searches_of(finished)[0]
    begun = ended.model_copy(update={"trials": [], "chosen": None, "reports": []})
    for planned in (3, 9):
        other = begun.model_copy(update={"planned": planned})
        assert joined(other, ended).trials == joined(ended, other).trials == ended.trials


def test_like_is_compared_with_like(finished: Path) -> None:
    (board,) = contrasted(boards(read_records(finished)))
    against = {
        row.method: {contrast.baseline for value in row.values.values() for contrast in value.contrasts}
        for row in board.rows
        if row.sample
    }
    assert against == {
        "Shared Bottom": set(),
        "Shared Bottom [trials=3]": {"Shared Bottom"},  # what tuning alone gives
        "UW-Shared Bottom": {"Shared Bottom"},
        "UW-Shared Bottom [trials=3]": {"Shared Bottom [trials=3]"},
        "Scalarization-Shared Bottom [trials=3]": {"Shared Bottom [trials=3]"},
    }
    assert "of tuned rows to Constant [trials=3], which was tuned alike" in (finished / "leaderboard.md").read_text()
