"""Trials by halving: all have a short training, and the best quarter of them alone a full one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from record_factory import record

from mtlbench.config.space import TrialSettings
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.experiments.expand import expand
from mtlbench.experiments.searching import Searching
from mtlbench.experiments.trials import trials_of
from mtlbench.leaderboards import build
from mtlbench.leaderboards.boards.naming import method_name
from mtlbench.leaderboards.publishing import read_records, searches_of
from mtlbench.leaderboards.tables.searches import search_names, values_of
from mtlbench.records import checksum
from mtlbench.records.searches import Search
from mtlbench.records.trials import Trained, Trial, choose, kept, most_kept, short_epochs
from mtlbench.records.tuned import with_tuned_rows
from mtlbench.verification.verify import verify
from studies import finish_here, outcomes, records

STUDY = ("--dataset", "synthetic[rows=1500]", "--backbone", "shared-bottom", "--epochs", "6", "--seeds", "1", "--quiet")
HALVING = ("--weighting", "constant", "--trials", "8", "--halving")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("halving") / "results"
    finish_here([*STUDY, *HALVING], out)
    return out


def the_search(out: Path) -> Search:
    (found,) = searches_of(out)
    return found


def test_all_trials_have_a_fifth_of_the_epochs_and_the_best_quarter_all(finished: Path) -> None:
    stored, search = records(finished), the_search(finished)
    short = [stored[trial.trainings[0].cell] for trial in search.trials]
    assert [record.training["epochs"] for record in short] == [2] * 8
    by_score = sorted(range(8), key=lambda number: -short[number].selection.objective)
    assert [trial.number for trial in search.trials if not trial.stopped] == sorted(by_score[:2])
    ended = [trial for trial in search.trials if not trial.stopped]
    assert [stored[trial.cell].training["epochs"] for trial in ended] == [6, 6]
    assert search.chosen == max(ended, key=lambda trial: trial.score).number


def test_a_trial_that_goes_on_is_the_cell_that_it_is_without_halving(finished: Path, tmp_path: Path) -> None:
    catalogue = discover(())
    keys = {"datasets": "synthetic[rows=1500]", "backbones": "shared-bottom", "weightings": "constant", "epochs": 6}
    plan = Study(**keys, seeds=1, trials=8, out=tmp_path).resolve(catalogue)
    whole = [job.cell.id for job in Searching(plan, plan.tuned, catalogue, expand(plan, catalogue)).jobs]
    for trial in the_search(finished).trials:
        assert (trial.cell == whole[trial.number]) != trial.stopped


def test_the_tuned_row_says_so_and_pays_for_all_trainings(finished: Path) -> None:
    stored = records(finished)
    (row,) = (record for record in read_records(finished) if "trials" in record.weighting.params)
    assert method_name(row) == "Shared Bottom [trials=8, halving=true]"
    search = the_search(finished)
    trained = [one.cell for trial in search.trials for one in trial.trainings]
    assert len(set(trained)) == 10
    assert row.spend[0].steps == sum(stored[cell].spent("steps") for cell in trained)
    (cost,) = (table for table in build(read_records(finished), searches=[search]) if "cost of" in table.title)
    assert [cell.text for cell in cost.lines[0].cells[:3]] == ["8, 2 to the end", "0", f"{row.spend[0].steps:,}"]
    assert values_of(search) == []  # what fewer trials would have found is not known
    assert cost.caption[-1].startswith("Halving: all trials were trained for a fifth of the epochs")


def test_a_second_run_trains_nothing_and_whole_trials_get_a_row_of_their_own(finished: Path, tmp_path: Path) -> None:
    before = outcomes(finished)
    finish_here([*STUDY, *HALVING], finished)
    assert outcomes(finished) == before
    shutil.copytree(finished, out := tmp_path / "results")
    finish_here([*STUDY, "--weighting", "constant", "--trials", "2"], out)
    names = {method_name(record) for record in read_records(out)}
    assert names == {"Shared Bottom", "Shared Bottom [trials=8, halving=true]", "Shared Bottom [trials=2]"}
    assert set(search_names(searches_of(out))) == {"Shared Bottom (halving=true)", "Shared Bottom (halving=false)"}


def changed(finished: Path, out: Path, change: Callable[[dict], None]) -> list[str]:
    """What verify finds where the search was changed, and sealed again."""
    shutil.copytree(finished, out)
    (path,) = (out / "records" / "searches").iterdir()
    content = json.loads(path.read_text())
    change(content)
    content["checksum"] = checksum(content)
    path.write_text(json.dumps(content))
    return [finding.text for finding in verify(out, {})[0].findings]


def test_verify_computes_again_which_trials_go_on(finished: Path, tmp_path: Path) -> None:
    assert changed(finished, tmp_path / "same", lambda content: None) == []
    (stopped, *_) = (trial.number for trial in the_search(finished).trials if trial.stopped)

    def claim_a_short_score(content: dict) -> None:
        content["trials"][stopped]["score"] = 0.99

    def claim_the_end(content: dict) -> None:
        content["trials"][stopped]["stopped"] = False

    found = changed(finished, tmp_path / "score", claim_a_short_score)
    assert any("those with the best short trainings are" in text for text in found)
    assert any(f"of trial {stopped} it says done, score 0.99" in text for text in found)
    found = changed(finished, tmp_path / "ended", claim_the_end)
    assert any(f"trial {stopped} has epochs = 2 in its record, and 6 in the search" in text for text in found)


def trial(number: int, score: float | None, stopped: bool = False) -> Trial:
    status = "failed" if score is None else "done"
    return Trial(
        cell=str(number),
        status=status,
        score=score,
        number=number,
        training={},
        backbone={},
        weighting={},
        stopped=stopped,
    )


def test_a_stopped_trial_is_never_chosen() -> None:
    assert choose([trial(0, 0.9, stopped=True), trial(1, 0.8), trial(2, 0.7)]) == 1
    assert choose([trial(0, 0.9, stopped=True), trial(1, None)]) is None


def test_where_no_trial_that_went_on_has_a_result_the_row_says_so(finished: Path) -> None:
    search = the_search(finished)
    failed = [one if one.stopped else one.model_copy(update={"status": "failed"}) for one in search.trials]
    for trials, which in ((failed, "trials that were trained to the end"), (failed[:1], "1 trials")):
        without = search.model_copy(update={"chosen": None, "reports": [], "trials": trials})
        [row] = with_tuned_rows([], [without])
        assert row.failure.reason == f"none of its {which} has a result"


def test_how_many_go_on() -> None:
    assert [most_kept(trials) for trials in (1, 4, 5, 12, 20)] == [1, 1, 2, 3, 5]
    assert [short_epochs(epochs) for epochs in (1, 5, 6, 10, 40)] == [1, 1, 2, 2, 8]
    scores = [0.1, 0.9, None, 0.8, 0.7]
    short = [Trained(cell=str(n), status="done" if s else "failed", score=s) for n, s in enumerate(scores)]
    assert kept(short) == [1, 3]
    assert kept([short[2]]) == []


def test_a_training_that_is_as_short_as_the_whole_one_is_paid_for_once() -> None:
    once = record("Shared Bottom", 0.7)
    job: Any = SimpleNamespace(cell=SimpleNamespace(stem="trial"))
    store: Any = SimpleNamespace(read=lambda stem: once)
    [trial] = trials_of([TrialSettings()], [job], {0: job}, store)
    assert [one.cell for one in trial.trainings] == [once.cell]
    assert not trial.stopped


def test_halving_without_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="halving is about trials, and there are none; add --trials 20"):
        Study(halving=True)


def test_a_learning_rate_that_falls_sooner_in_a_short_training_is_refused(tmp_path: Path) -> None:
    (space := tmp_path / "space.toml").write_text('[common]\nschedule = { choice = ["constant", "cosine"] }\n')
    for given in ({"schedule": "linear"}, {"space": space}):
        study = Study(halving=True, trials=4, weightings="constant", **given)
        with pytest.raises(UsageError, match=r"halving and schedule = .*(linear|cosine).* exclude each other"):
            study.resolve(discover(()))
