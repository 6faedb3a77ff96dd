"""``mtlbench data``: one file per command."""

import typer

from mtlbench.cli.data import describe, download, listing, verify

app = typer.Typer(
    help="Datasets: what there is, download, check, and a look at your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("list")(listing.list_datasets)
app.command("download")(download.download)
app.command("verify")(verify.verify)
app.command("describe")(describe.describe)
