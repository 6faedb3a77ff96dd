"""What datasets, backbones and weightings have in common: a name, a label and parameters."""

from typing import ClassVar

import pluggy

from mtlbench.api.params import NoParams, Params

hookimpl = pluggy.HookimplMarker("mtlbench")
"""Marks a plugin package's ``register_datasets``, ``register_backbones`` and ``register_weightings``."""


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
