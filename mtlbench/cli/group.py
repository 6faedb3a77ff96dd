"""Groups of commands, whose ``--help`` says in whole sentences what each command does."""

from inspect import cleandoc
from typing import Any

from typer.core import TyperGroup


class Group(TyperGroup):
    """A group that shows the first paragraph of each command's help, where click cuts it at the terminal's width."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line or more for each command."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _summary(command.help)) for name, command in found if command and not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _summary(text: str | None) -> str:
    return " ".join(cleandoc(text or "").partition("\n\n")[0].split())
