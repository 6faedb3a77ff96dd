"""The committed leaderboards as numbers, and numbers as README and docs write them."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtlbench.config.parameters import spec_text
from mtlbench.leaderboards.boards.board import MISSING, Board, Contrast, Row
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.publishing import read_records, searches_of
from mtlbench.leaderboards.tables.claims import SAME
from mtlbench.leaderboards.tables.table import MINUS
from mtlbench.records import Record
from mtlbench.records.files import record_files
from mtlbench.records.schema import Epoch
from mtlbench.records.searches import Search
from mtlbench.statistics import Estimate, mean_interval

ROOT = Path(__file__).parents[2]
SYNTHETIC, PURE, FEEDBACK, WEIGHTINGS, TUNED, HOTEL, HOTEL_ALL, DESKDROP, JOURNEY, ANIME = (
    "synthetic",
    "kuairand-pure",
    "kuairand-feedback",
    "kuairand-weightings",
    "kuairand-tuned",
    "hotel-bookings",
    "hotel-weightings",
    "deskdrop",
    "complete-journey",
    "anime",
)
GENERATED = tuple(f"synthetic-six#seed={seed}," for seed in (1, 2, 3))
"""The boards of a page with several logs have a part of their title behind the name of the page."""
TUNED_LOGS = (HOTEL, TUNED, DESKDROP, JOURNEY, ANIME, *GENERATED)
"""The boards with tuned rows."""
TWO = ("click", "long_view")
"""The tasks of the boards of KuaiRand that do not say otherwise."""
SIX = ("click", "long_view", "like", "profile_enter", "comment_open", "finish")
"""Those of `kuairand[tasks=feedback]`."""

TRIALS = " [trials=12]"
"""What the name of a tuned row ends with."""

Seeds = NDArray[np.float64]
Claims = Callable[[], Iterator[str]]

HELD: dict[str, Claims] = {}
"""Page -> what it must say."""


def holds(page: str) -> Callable[[Claims], Claims]:
    """Register a function that makes from records what ``page`` must say: sentences, parts of them, lines of tables."""

    def registered(claims: Claims) -> Claims:
        HELD[page] = claims
        return claims

    return registered


EMPHASIS = re.compile(r"(?<![\w)*])\*{1,2}(?=\w)|(?<=[A-Za-z.])\*{1,2}")
"""Not a mark behind a number."""


def plain(text: str) -> str:
    """Markdown without line breaks and emphasis."""
    return EMPHASIS.sub("", " ".join(text.split()))


def text_of(page: str) -> str:
    """A page as such a text."""
    return plain((ROOT / page).read_text(encoding="utf-8"))


@cache
def records(name: str) -> tuple[Record, ...]:
    """The records beside ``leaderboards/NAME.md``, those of tuned rows included."""
    return tuple(read_records(ROOT / "leaderboards" / f"{name}.md"))


def files(name: str, folder: str = "") -> int:
    """How many records, or searches, are committed beside the page."""
    return len(record_files(ROOT / "leaderboards" / "records" / name / folder))


@cache
def searches(name: str, backbone: str) -> dict[str, Search]:
    """The searches of a board on one backbone, by the spec of their weighting."""
    of_page = searches_of(ROOT / "leaderboards" / f"{name.partition('#')[0]}.md")
    data = board(name).sample.dataset.fingerprint
    found = [one for one in of_page if one.backbone.name == backbone and one.dataset.fingerprint == data]
    return {spec_text(one.weighting.name, one.weighting.changed): one for one in found}


@cache
def board(name: str) -> Board:
    """The board of those records, with its comparisons."""
    page, _, log = name.partition("#")
    [found] = contrasted([one for one in boards(records(page)) if log in one.title])
    return found


@cache
def rows(name: str) -> dict[str, Row]:
    """Its rows by method, such as ``RMTL-PLE``."""
    return {row.method: row for row in board(name).rows}


def of_row(name: str, method: str) -> list[Record]:
    """The records of a row, a seed each."""
    sample = rows(name)[method].sample
    assert sample is not None
    return [
        one
        for one in records(name)
        if all(
            getattr(one, kind).model_dump(include={"name", "params"})
            == getattr(sample, kind).model_dump(include={"name", "params"})
            for kind in ("backbone", "weighting")
        )
    ]


def scores(name: str, method: str, task: str, metric: str = "auc") -> Seeds:
    """The test score of each seed."""
    return np.array(rows(name)[method].values[task, metric].seeds)


def differences(name: str, method: str, base: str, task: str) -> Seeds:
    """Test AUC minus that of another row, seed by seed."""
    return scores(name, method, task) - scores(name, base, task)


def gain(name: str, method: str, base: str, task: str) -> Estimate:
    """Their mean with its 95 % interval."""
    return mean_interval(differences(name, method, base, task))


def relative_gains(name: str, method: str, base: str) -> Seeds:
    """In percent of another row's score, a row for each task in its primary metric and a column for each seed."""
    pairs = [(scores(name, method, *one), scores(name, base, *one)) for one in board(name).primaries]
    return np.array([100 * (ours - theirs) / theirs for ours, theirs in pairs])


def scored_epochs(name: str, method: str) -> list[Epoch]:
    """Of each seed of a row the validation whose network is kept."""
    found = []
    for one in of_row(name, method):
        [(stage, best)] = [(stage, epoch) for stage, epoch in one.best_epoch.items() if epoch][-1:]
        found.append(next(point for point in one.curve if (point.stage, point.epoch) == (stage, best)))
    return found


def contrast(name: str, method: str, task: str) -> Contrast:
    """The comparison of a row with its own baseline in AUC."""
    found = rows(name)[method].values[task, "auc"].first
    assert found is not None
    return found


class PageGain(NamedTuple):
    """What the page over logs says of a weighting on a board: Delta_m in percent."""

    mean: float
    width: float
    """Half its 95 % interval."""
    mark: str
    same: bool = False
    """Whether it has the scores of constant weights in every seed."""

    def __str__(self) -> str:
        return SAME if self.same else f"{signed(self.mean, 2)} ± {short(self.width, 2)}"


def gains_of_tuned(name: str) -> dict[str, PageGain]:
    """Of each tuned weighting of a board, from the page over logs, the largest gain first."""
    return gains_on_page(name, "each tuned")


@cache
def gains_on_page(name: str, how: str = "at their defaults") -> dict[str, PageGain]:
    """The same of weightings that were tuned so."""
    page, _, log = name.partition("#")
    [(lines, place)] = [
        (lines, place)
        for head, *lines in tables_over_logs(f"Gain on each board: weightings {how}")
        for place, title in enumerate(head)
        if title.endswith(f"<br>{page}") and log in title
    ]
    gains = {cells[0]: gain_in(cells[place]) for cells in lines if cells[place] != MISSING}
    return dict(sorted(gains.items(), key=lambda item: -item[1].mean))


@cache
def standings() -> dict[str, dict[str, str]]:
    """Of each tuned weighting that is ranked over logs the cells of its line by their heads, the best rank first."""
    [(head, *lines)] = tables_over_logs("Over logs: weightings each tuned")
    return {cells[0]: dict(zip(head, cells, strict=True)) for cells in lines}


def gains_over_logs() -> dict[str, PageGain]:
    """Of these what each gains, mean over logs, with its interval over logs."""
    gains = {label: cells["Δm %"] for label, cells in standings().items()}
    return {label: gain_in(cell) for label, cell in gains.items() if cell != MISSING}


def gain_in(cell: str) -> PageGain:
    """What a cell such as ``+0.53(15)[9]\\*`` says."""
    if cell == SAME:
        return PageGain(0.0, 0.0, "", same=True)
    printed = re.fullmatch(r"([+-]?\d+\.\d\d)\((\d+)\)(?:\[\d+\])?(.*)", cell.replace(MINUS, "-"))
    assert printed, cell
    return PageGain(float(printed[1]), int(printed[2]) / 100, printed[3].strip("\\"))


def tables_over_logs(heading: str) -> list[list[list[str]]]:
    """Of the part of the page over logs with that heading, the cells of each open table; its head is a line too."""
    part = over_logs_page().split(f"## {heading}")[1].split("\n## ")[0].split("<details>")[0]
    tables = [text.splitlines() for text in part.split("\n\n") if text.startswith("| ")]
    return [[[cell.strip() for cell in text.split("|")[1:-1]] for text in (head, *lines)] for head, _, *lines in tables]


def over_logs_page() -> str:
    """``leaderboards/README.md``."""
    return (ROOT / "leaderboards" / "README.md").read_text(encoding="utf-8")


def over_logs_family() -> int:
    """How many comparisons the page over logs tests together."""
    [family] = set(re.findall(r"step-down max-T over (\d+) comparisons", over_logs_page()))
    return int(family)


def short(value: float, digits: int = 4) -> str:
    """Without its sign and without a zero before the point: ``.0021``."""
    return f"{abs(value):.{digits}f}".removeprefix("0")


def signed(value: float, digits: int = 4) -> str:
    """``+.0021`` or ``-.0021``."""
    return ("-" if round(value, digits) < 0 else "+") + short(value, digits)


def interval(estimate: Estimate, digits: int = 4) -> str:
    """``+.0021 ± .0008``."""
    return f"{signed(estimate.value, digits)} ± {short(estimate.half_width, digits)}"


def line(*cells: object) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"
