"""What plugins of all kinds have in common: a name, a label and parameters."""

from typing import Any, ClassVar, Protocol

import pluggy

from mtlbench.api.params import NoParams, Params

hookimpl = pluggy.HookimplMarker("mtlbench")
"""Marks a plugin package's ``register_datasets``, ``register_backbones``, ``register_weightings`` and
``register_trackers``."""


class Plugin:
    """Class attributes that every plugin declares.

    The first line of a plugin's docstring is its summary in ``mtlbench list``; the whole docstring is what
    ``mtlbench info`` prints.
    """

    name: ClassVar[str]
    """Name on the command line and in records: lower case, digits and hyphens, the file's stem."""
    label: ClassVar[str]
    """Name in leaderboards, such as ``"Shared Bottom"``."""
    Params: ClassVar[type[Params]] = NoParams
    """The pydantic model of the plugin's parameters."""
    needs_parameters: ClassVar[bool] = False
    """Whether the plugin does nothing at its defaults, such as one that reads a file of the user: ``all`` omits it."""


class Registrar(Protocol):
    """What a hook gets as its argument."""

    def __call__(self, plugin: type[Any]) -> None:
        """Register one plugin class."""

    def package(self, name: str) -> None:
        """Register the concrete plugin classes that the modules of the package ``name`` define.

        Where datasets are registered, a TOML file in the package is one too: it describes a public log. Modules and
        files whose name starts with ``_`` are skipped. If a module cannot be imported, ``mtlbench list`` shows it as
        broken, and the others still work.
        """
