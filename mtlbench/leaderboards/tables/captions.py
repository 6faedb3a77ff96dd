"""What a table says in words: the data, the conditions, the notation, and why rows have gaps."""

from collections.abc import Sequence

from mtlbench.leaderboards.boards.board import OPTIMUM, Board, Row
from mtlbench.leaderboards.boards.columns import in_words, metric_of, numeric_tasks
from mtlbench.leaderboards.boards.contrasts import tuning
from mtlbench.leaderboards.tables.claims import claims
from mtlbench.records.tuned import is_tuned
from mtlbench.text import one_line

LISTED_SEEDS = 10
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
NOTE_NUMBERS = str.maketrans("0123456789", SUPERSCRIPTS)
BETTER = {"higher": "higher", "lower": "lower", "one": "nearer to 1", "neither": "neither"}


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
    at_defaults = " that are not tuned" if any(tuning(row) for board in group for row in board.rows) else ""
    ranking = (
        "Bold: the best of all methods with every seed. Underlined: the best baseline (a backbone under constant "
        f"weights{at_defaults}). {_directions(group)}"
    )
    if any(row.state == "optimum" for board in group for row in board.rows):
        ranking += f" {OPTIMUM}: the score of the true probabilities, which no method can beat but by chance."
    conditions = f"Conditions: {_conditions(group[0])}.{_tuned(group)}"
    return (*data, conditions, scores, ranking, *claims(group))


def notes(row: Row) -> str:
    """Why the row has gaps, and what else a reader should know of it; empty for most rows."""
    texts = list(row.reasons)
    if row.state == "partial":
        texts.append("Not ranked: other rows have more seeds")
    return " ".join(f"{one_line(text).rstrip('.')}." for text in (*texts, *row.remarks))


def marked_notes(group: Sequence[Board]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The mark of each method that has a note, and the notes by mark; methods of which the same is said share one."""
    by_method: dict[str, list[str]] = {}
    for board in group:
        where = f"{board.title}: " if len(group) > 1 else ""
        for row in board.rows:
            if text := notes(row):
                by_method.setdefault(row.method, []).append(where + text)
    sharing: dict[str, list[str]] = {}
    for method, texts in by_method.items():
        sharing.setdefault(" ".join(texts), []).append(method)
    numbered = [(str(n).translate(NOTE_NUMBERS), *note) for n, note in enumerate(sharing.items(), start=1)]
    marks = {method: mark for mark, _, methods in numbered for method in methods}
    return marks, tuple((mark, f"{', '.join(methods)}: {text}") for mark, text, methods in numbered)


def _directions(group: Sequence[Board]) -> str:
    """Which metrics are better higher and which lower; those are explained that not every reader knows."""
    metrics = dict.fromkeys(metric_of(column) for board in group for column in board.columns)
    all_explained = any(numeric_tasks(board.sample.dataset) for board in group)
    texts = []
    for direction in dict.fromkeys(metric.direction for metric in metrics):
        named = [
            f"{metric.label} ({metric.explanation})" if all_explained or metric.needs else metric.label
            for metric in metrics
            if metric.direction == direction
        ]
        texts.append(f"{in_words(named)}: {BETTER[direction]} is better.")
    return " ".join(texts)


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


def _tuned(group: Sequence[Board]) -> str:
    """What tuned rows are, where there are any."""
    if not any(row.sample and is_tuned(row.sample) for board in group for row in board.rows):
        return ""
    return (
        " These are the conditions of rows without trials. A row such as [trials=20] is tuned: of 20 settings that "
        'were tried, it has those with the best validation score, which stand under "settings found".'
    )


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seeds(seeds: Sequence[int], where: str) -> str:
    listed = f" ({', '.join(map(str, seeds))})" if len(seeds) <= LISTED_SEEDS else ""
    text = f"one seed{listed}" if len(seeds) == 1 else f"mean over {len(seeds)} seeds{listed}"
    return f"{where}: {text}" if where else text
