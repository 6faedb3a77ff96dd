"""What a table says in words: the data, the conditions, the notation, and why rows have gaps."""

from collections.abc import Sequence

from mtlbench.leaderboards.board import OPTIMUM, Board, Row
from mtlbench.leaderboards.footnotes import footnotes
from mtlbench.leaderboards.standing import front_area
from mtlbench.text import one_line

LISTED_SEEDS = 10


def captions(group: Sequence[Board]) -> tuple[str, ...]:
    """Caption of a table over boards that share preset, training and protocol."""
    several = len(group) > 1
    data = [f"Data{f' of {board.title}' if several else ''}: {_facts(board)}." for board in group]
    seeds = {board.seeds for board in group}
    counts = [_seeds(board.seeds, board.title if len(seeds) > 1 else "") for board in group]
    scores = f"Scores on the test split, {'; '.join(dict.fromkeys(counts))}."
    if any(len(board.seeds) > 1 for board in group):
        scores += (
            " In parentheses half the width of the mean's 95 % interval over seeds (Student's t), in units of the last "
            "digit: 0.7003(12) means 0.7003 ± 0.0012."
        )
    ranking = (
        "Bold: the best of all methods with every seed. Underlined: the best baseline (a backbone under constant "
        "weights). AUC: higher is better. Logloss and s-Logloss (the mean over sessions of the session's logloss): "
        "lower is better."
    )
    if any(row.state == "optimum" for board in group for row in board.rows):
        ranking += f" {OPTIMUM}: the score of the true probabilities, which no method can beat but by chance."
    return (*data, f"Conditions: {_conditions(group[0])}.", scores, ranking, *footnotes(group))


def overall_caption(group: Sequence[Board]) -> tuple[str, ...]:
    """Caption of the table of rank and spend."""
    texts = ["Rank: the mean over the columns of the table above, of methods with every seed; 1 is the best."]
    references = {board.reference for board in group if board.reference}
    if references:
        texts.append(
            f"Δm: the mean relative improvement over {' or '.join(sorted(map(one_line, references)))} in all columns, "
            "in percent, seed by seed, with half its 95 % interval."
        )
    else:
        texts.append("No Δm: no row with every seed trains one network per task under constant weights.")
    areas = [(board, area) for board in group if (area := front_area(board.rows, board.columns)) is not None]
    if areas:
        covered = "; ".join(f"{f'{board.title}: ' if len(group) > 1 else ''}{area:.4f}" for board, area in areas)
        texts.append(
            f"Pareto: on the front of the tasks' AUC, which covers {covered} of the .25 above chance (.5, .5)."
        )
    machines = sorted({one_line(machine) for board in group for machine in board.machines})
    spend = "Optimiser steps, training rows and seconds per seed; every stage counts, a reused one too."
    fair = " Seconds of different machines do not compare." if len(machines) > 1 else ""
    return " ".join(texts), f"{spend} Run on {'; '.join(machines)}.{fair}"


def notes(row: Row) -> str:
    """Why the row has gaps, and what else a reader should know of it; empty for most rows."""
    texts = list(row.reasons)
    if row.state == "partial":
        texts.append("Not ranked: other rows have more seeds")
    return " ".join(f"{one_line(text).rstrip('.')}." for text in (*texts, *row.remarks))


def _facts(board: Board) -> str:
    """Facts in order; those named ``family.member`` are gathered behind their family."""
    families: dict[str, list[str]] = {}
    for name, value in board.sample.dataset.facts.items():
        family, *members = name.replace("_", " ").split(".")
        families.setdefault(family, []).append(" ".join([*members, _number(value)]))
    facts = []
    for family, values in families.items():
        plain = family in board.sample.dataset.facts or family.replace(" ", "_") in board.sample.dataset.facts
        head, rest = (f"{family} {values[0]}", values[1:]) if plain else (family, values)
        facts.append(f"{head} ({', '.join(rest)})" if rest else head)
    return one_line("; ".join(facts)) or "no facts"


def _conditions(board: Board) -> str:
    names = {name.replace("_", " "): value for name, value in board.settings.items() if value is not None}
    return ", ".join(f"{name} {_number(value)}" for name, value in names.items())


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seeds(seeds: Sequence[int], where: str) -> str:
    listed = f" ({', '.join(map(str, seeds))})" if len(seeds) <= LISTED_SEEDS else ""
    text = f"one seed{listed}" if len(seeds) == 1 else f"mean over {len(seeds)} seeds{listed}"
    return f"{where}: {text}" if where else text
