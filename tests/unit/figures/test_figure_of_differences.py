"""The figure of differences: which points it has, and the file it becomes."""

import re
from pathlib import Path

import pytest
from record_factory import record, runs

from mtlbench.errors import UsageError
from mtlbench.figures import draw_differences
from mtlbench.figures.differences import PANEL_INCHES, points
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.statistics import paired_difference

PLE, MINE = [0.70, 0.71, 0.69], [0.72, 0.715, 0.70]


def study() -> list:
    return [*runs("PLE", PLE), *runs("Mine-PLE", MINE), *runs("MMoE", [0.5]), *runs("Mine-MMoE", [0.6])]


def test_a_point_is_the_paired_difference_from_the_baseline_of_the_backbone():
    (board,) = boards(study())
    (point,) = points(board, ("click", "auc"))
    assert (point.method, point.backbone, point.seeds) == ("Mine-PLE", "PLE", 3)
    assert point.estimate == paired_difference(MINE, PLE).estimate


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_the_same_records_give_the_same_file(tmp_path: Path, ending: str):
    first, second = tmp_path / f"first.{ending}", tmp_path / "below" / f"second.{ending}"
    draw_differences(study(), first)
    draw_differences(study()[::-1], second)
    assert first.read_bytes() == second.read_bytes()


def test_the_figure_names_its_methods_and_tasks(tmp_path: Path):
    draw_differences(study(), tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    assert all(word in text for word in ("Mine-PLE", "Synthetic: click", "Synthetic: pay", "3 paired seeds"))
    assert "Mine-MMoE" not in text


def test_the_panels_of_many_tasks_are_three_in_a_row(tmp_path: Path):
    for tasks, width in ((3, 3), (7, 3), (2, 2)):
        names = tuple(f"task{k}" for k in range(tasks))
        metrics = {"test": {name: {"auc": 0.7} for name in names}}
        records = [
            record(method, seed=seed, tasks=names, metrics=metrics, baseline=method == "PLE")
            for method in ("PLE", "Mine-PLE")
            for seed in (0, 1)
        ]
        draw_differences(records, tmp_path / "figure.svg")
        text = (tmp_path / "figure.svg").read_text()
        assert float(re.search(r'width="([\d.]+)pt"', text)[1]) == pytest.approx(72 * PANEL_INCHES * width)
        assert all(name in text for name in names)


def test_another_ending_and_an_empty_comparison_are_refused_and_nothing_is_written(tmp_path: Path):
    with pytest.raises(UsageError, match=r"'.gif' names no format of figures: use .svg, .png, .pdf"):
        draw_differences(study(), tmp_path / "figure.gif")
    with pytest.raises(UsageError, match="nothing to draw"):
        draw_differences(runs("PLE", PLE), tmp_path / "figure.svg")
    assert not list(tmp_path.iterdir())
