"""``mtlbench leaderboard compare``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import print_tables, say
from mtlbench.errors import UsageError

if TYPE_CHECKING:
    from mtlbench.leaderboards import BoardScores

REGRESSED = 3


def compare(
    mine: Annotated[Path, typer.Argument(metavar="MINE", help="Results folder, or leaderboard Markdown file.")],
    reference: Annotated[
        Path | None, typer.Argument(metavar="REFERENCE", help="The one to compare with, of the same kinds.")
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="rmtl-table1|mtreclib",
            help="Show a published table beside MINE instead; it has another protocol, so nothing is tested.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTING",
            help="What methods that REFERENCE lacks are compared with. [default: constant weights]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether MINE is better than REFERENCE, tied or worse.

    Compares method by method what has the same dataset, protocol and parameters, seed by seed and with intervals, and
    refuses the rest. A method that REFERENCE lacks is compared with REFERENCE's baseline on the same backbone, a tuned
    method with the baseline that was tuned alike.

    \b
    mtlbench leaderboard compare results leaderboards/synthetic.md
    mtlbench leaderboard compare results old-results --baseline 'constant[restart=true]'
    mtlbench leaderboard compare results --reference rmtl-table1

    Exit codes: 0 ok, 2 wrong use or nothing that may be compared, 3 a method of REFERENCE is worse in MINE.
    """
    if (reference is None) == (published is None):
        raise UsageError("name one reference: a results folder, a leaderboard file, or --reference NAME")
    from mtlbench.leaderboards.publishing import read_scores

    own = read_scores(mine)
    if published is not None:
        if as_json:
            raise UsageError("a published table has no JSON form: leave out --json")
        _print_published(own, published, baseline)
    elif reference is not None:
        _compare(own, read_scores(reference), reference, baseline, as_json)


def _print_published(own: "tuple[BoardScores, ...]", name: str, baseline: str | None) -> None:
    from mtlbench.leaderboards import published_tables

    print_tables(published_tables(own, name, baseline), f"Beside {name}")


def _compare(
    own: "tuple[BoardScores, ...]",
    others: "tuple[BoardScores, ...]",
    reference: Path,
    baseline: str | None,
    as_json: bool,
) -> None:
    from mtlbench.leaderboards import compare as compare_boards
    from mtlbench.leaderboards import comparison_json, comparison_tables, not_compared

    found = compare_boards(own, others, baseline)
    for text in not_compared(found, str(reference)):
        say(f"warning: not compared: {text}", err=True)
    if as_json:
        say(json.dumps(comparison_json(found), indent=2))
    else:
        print_tables(comparison_tables(found), f"Compared with {reference}")
    if found.regressed:
        say(f"regressed: {'; '.join(found.regressed)}", err=True)
        raise typer.Exit(REGRESSED)
