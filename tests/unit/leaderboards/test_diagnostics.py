"""What weightings report of themselves, as a table."""

from record_factory import runs
from rendered_pages import meant, rendered

from mtlbench.leaderboards import build, to_markdown
from mtlbench.leaderboards.boards.diagnostics import diagnostics_of
from mtlbench.records import Record
from mtlbench.records.schema import Epoch


def epoch(number: int, click: tuple[float, float, float], pay: tuple[float, float, float]) -> Epoch:
    weights = {
        task: {"mean": mean, "min": low, "q05": low, "q50": mean, "q95": high, "max": high}
        for task, (low, mean, high) in {"click": click, "pay": pay}.items()
    }
    return Epoch(stage="train", epoch=number, train_loss={}, validation={}, weights=weights)


def reporting() -> list[Record]:
    updates = [
        {"diagnostics": {"q_mean": [-1.0, -0.5], "converged": 1.0}, "series": {"td_loss": [0.5, 0.25]}},
        {"diagnostics": {"q_mean": [-2.0, -0.7], "converged": 0.0}, "series": {"td_loss": [0.7, 0.3, 0.35]}},
    ]
    curve = [epoch(1, (1, 1, 1), (1, 1, 1)), epoch(2, (1.0, 1.5, 2.0), (1.0, 1.25, 1.5))]
    return [
        record.model_copy(update={**update, "curve": curve})
        for record, update in zip(runs("Mine-PLE", [0.7, 0.8]), updates, strict=True)
    ]


def test_numbers_are_means_over_seeds_and_curves_their_ends():
    assert diagnostics_of(reporting()) == {
        "weights": "1.5 [1, 2] / 1.25 [1, 1.5]",
        "q_mean": "-1.5 / -0.6",
        "converged": "0.5",
        "td_loss": "0.6 to 0.3 in 2.5",
    }


def test_weights_that_never_change_are_nothing_to_report():
    plain = [
        record.model_copy(update={"curve": [epoch(1, (1, 1, 1), (2, 2, 2))]}) for record in runs("PLE", [0.7, 0.8])
    ]
    assert diagnostics_of(plain) == {}
    assert len(build(plain)) == 1


def test_the_table_has_the_rows_that_report_and_a_page_shows_them():
    tables = build([*runs("PLE", [0.7, 0.8]), *reporting()])
    table = tables[-1]
    assert table.title == "Synthetic: diagnostics"
    assert [line.labels[0].text for line in table.lines] == ["Mine-PLE"]
    assert [head.name for head in table.heads] == ["weights", "q mean", "converged", "td loss"]
    assert list(rendered(to_markdown(tables))) == list(meant(tables, "Leaderboard"))
