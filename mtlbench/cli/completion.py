"""Names for the completion of a shell: fast, for what is known of the plugins is kept from one process to the next."""

from collections.abc import Callable

import typer


def specs(kind: str) -> Callable[[str], list[str]]:
    """Completes the last name of a list of specs of plugins of ``kind``."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in _plugins(kind) if name.startswith(last)]

    return complete


def names(context: typer.Context, incomplete: str) -> list[str]:
    """Completes the name of a plugin of the kind that the argument before it names."""
    return [name for name in _plugins(context.params["kind"]) if name.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """Completes a kind of plugin."""
    from mtlbench.discovery import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def _plugins(kind: str) -> list[str]:
    """Their names; none where they cannot be listed, for a completion has nowhere to say why."""
    from mtlbench.cli.plugin_info import plugin_index
    from mtlbench.discovery import plugin_files
    from mtlbench.errors import MtlbenchError

    try:
        return sorted(plugin_index(plugin_files()).of_kind(kind))
    except MtlbenchError:
        return []
