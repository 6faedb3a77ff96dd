"""All static figures at once, and what the figures of trade-offs and ranks are made of."""

import math
import re
from pathlib import Path

import pytest
from record_factory import plugin, runs

from mtlbench.errors import UsageError
from mtlbench.figures import draw_all
from mtlbench.figures.canvas import COLOURS, MARKERS, canvas
from mtlbench.figures.heatmap import in_half_widths, painted
from mtlbench.figures.ranks import draw_ranks
from mtlbench.figures.searches import draw_searches
from mtlbench.figures.tradeoffs import draw_tradeoffs
from mtlbench.leaderboards.boards.across import MeanRanks, mean_ranks
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record
from mtlbench.records.searches import Search


def study() -> list[Record]:
    aucs = {"PLE": 0.70, "RMTL-PLE": 0.72, "DWA-PLE": 0.71, "MMoE": 0.70, "RMTL-MMoE": 0.74, "DWA-MMoE": 0.69}
    return [one for method, auc in aucs.items() for one in runs(method, [auc, auc + 0.001])]


def test_each_figure_in_both_formats(tmp_path: Path) -> None:
    paths = list(draw_all(study(), tmp_path / "new"))
    names = {f"{name}.{ending}" for name in ("differences", "tradeoff", "ranks") for ending in ("svg", "png")}
    assert {path.name for path in paths} == names
    for path in paths:
        start = path.read_bytes()[:8]
        assert start.startswith(b"<?xml" if path.suffix == ".svg" else b"\x89PNG")
    svg = (tmp_path / "new" / "ranks.svg").read_text()
    assert "RMTL" in svg
    assert "mean rank of AUC over 2 backbones of one dataset" in svg


def test_a_figure_that_has_too_little_is_left_out(tmp_path: Path) -> None:
    paths = list(draw_all(runs("PLE", [0.7]), tmp_path))
    assert {path.stem for path in paths} == {"tradeoff"}


def test_a_trade_off_has_the_interval_of_each_mean(tmp_path: Path) -> None:
    def bars(records: list[Record]) -> set[bool]:
        draw_tradeoffs(records, tmp_path / "tradeoff.svg")
        lines = (tmp_path / "tradeoff.svg").read_text().split('id="LineCollection')[1:]
        assert len(lines) == 4  # across and up, of two backbones
        ends = [re.findall(r"[ML] ([\d.]+ [\d.]+)", line)[:2] for line in lines]
        return {start != end for start, end in ends}

    assert bars(study()) == {True}
    assert bars([one for one in study() if one.seed == 0]) == {False}


def test_a_trade_off_names_the_front_and_no_other(tmp_path: Path) -> None:
    draw_tradeoffs(study(), tmp_path / "tradeoff.svg")
    svg = (tmp_path / "tradeoff.svg").read_text()
    assert [method for method in ("RMTL-MMoE", "RMTL-PLE", "DWA-PLE", "DWA-MMoE") if f">{method}<" in svg] == [
        "RMTL-MMoE"
    ]


def test_what_prints_alike_is_on_the_front_together(tmp_path: Path) -> None:
    draw_tradeoffs([*runs("PLE", [0.70001]), *runs("RMTL-PLE", [0.70002])], tmp_path / "tradeoff.svg")
    svg = (tmp_path / "tradeoff.svg").read_text()
    assert ">RMTL-PLE<" in svg
    assert svg.count(">PLE<") == 2  # the backbone in the legend, and the method


def test_as_many_marks_as_colours_times_markers() -> None:
    assert len({(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i in range(56)}) == 56


def test_too_little_is_said_where_one_figure_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two weightings on two backbones"):
        draw_ranks(runs("PLE", [0.7]), tmp_path / "ranks.svg")
    with pytest.raises(UsageError, match="two tasks"):
        draw_tradeoffs(runs("PLE", [0.7], tasks=("click",)), tmp_path / "tradeoff.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_search_by_halving_has_no_curve_and_the_message_says_so(tmp_path: Path) -> None:
    search = Search.model_construct(
        method="PLE",
        baseline=True,
        backbone=plugin("ple", "PLE"),
        weighting=plugin("constant", "Constant"),
        space={},
        searches=1,
        halving=True,
    )
    with pytest.raises(UsageError, match="no search without halving"):
        draw_searches([search], tmp_path / "searches.svg")


def test_a_lead_that_is_the_same_in_every_seed_has_the_colour_of_the_largest() -> None:
    assert in_half_widths(0.0, 0.0) == 0
    leads = [[in_half_widths(sign * 0.1, 0.0) for sign in (1, -1)], [math.nan, in_half_widths(0.1, 0.05)]]
    figure, [[panel]] = canvas(1, 1, 2, 2)
    painted(figure, panel, leads, [["*", "°"], ["", ""]], ["a", "b"], ["x", "y"])
    shown = panel.images[0].get_array()
    assert shown.tolist() == [[3, -3], [None, 2]]
    assert [(text.get_text(), text.get_color()) for text in panel.texts[:2]] == [("*", "white"), ("°", "white")]


def test_mean_ranks_by_hand() -> None:
    found = mean_ranks(boards(study()))
    assert found is not None
    # RMTL is first twice; on PLE then DWA, Constant, on MMoE Constant, DWA.
    assert dict(zip(found.names, found.ranks, strict=True)) == {"RMTL": 1.0, "Constant": 2.5, "DWA": 2.5}
    assert (found.over, found.critical_difference, found.cliques) == ("2 backbones of one dataset", None, ())


def test_over_datasets_a_bar_joins_what_cannot_be_told_apart(tmp_path: Path) -> None:
    datasets = [{"fingerprint": str(i) * 64, "params": {"seed": i}} for i in range(2)]
    both = [one.model_copy(update={"dataset": one.dataset.model_copy(update=i)}) for i in datasets for one in study()]
    found = mean_ranks(boards(both))
    assert found is not None
    assert (found.over, found.cliques) == ("2 datasets", ((0, 2),))
    draw_ranks(both, tmp_path / "ranks.svg")
    assert "mean rank of AUC over 2 datasets" in (tmp_path / "ranks.svg").read_text()


def test_cliques_are_the_largest_runs_within_the_critical_difference() -> None:
    at = (1.0, 1.5, 2.4, 4.0, 4.1)
    found = MeanRanks(tuple("abcde"), at, "9 datasets", critical_difference=1.0, p=0.01, primary="AUC")
    assert found.cliques == ((0, 1), (1, 2), (3, 4))
