"""``mtlbench leaderboard``: the group of commands."""

import typer

from mtlbench.cli import leaderboard_build, leaderboard_compare, leaderboard_overall, leaderboard_verify
from mtlbench.cli.group import Group

app = typer.Typer(
    cls=Group, help="Build, compare and verify leaderboards.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _group() -> None:
    """Build, compare and verify leaderboards."""


app.command("build")(leaderboard_build.build)
app.command("compare")(leaderboard_compare.compare)
app.command("overall")(leaderboard_overall.overall)
app.command("verify")(leaderboard_verify.verify)
