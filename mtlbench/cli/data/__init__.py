"""``mtlbench data``: one file per command."""

import typer

from mtlbench.cli.data import describe, download, listing, verify
from mtlbench.cli.group import Group

app = typer.Typer(
    cls=Group,
    help="List, download and check datasets, and look at your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("list")(listing.list_datasets)
app.command("download")(download.download)
app.command("verify")(verify.verify)
app.command("describe")(describe.describe)
