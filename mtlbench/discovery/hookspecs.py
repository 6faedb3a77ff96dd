"""The hooks through which a package registers its plugins.

A package names a module in the entry-point group ``mtlbench``; that module implements any of these hooks, marked with
:data:`mtlbench.api.hookimpl`::

    @hookimpl
    def register_weightings(register):
        register.package("my_package.weightings")  # a folder of one-file plugins
        register(MyWeighting)                      # or one class
"""

import pluggy

from mtlbench.api import Registrar

hookspec = pluggy.HookspecMarker("mtlbench")


@hookspec
def register_datasets(register: Registrar) -> None:
    """Register subclasses of :class:`mtlbench.api.Dataset`."""


@hookspec
def register_backbones(register: Registrar) -> None:
    """Register subclasses of :class:`mtlbench.api.Backbone`."""


@hookspec
def register_weightings(register: Registrar) -> None:
    """Register subclasses of :class:`mtlbench.api.Weighting`."""


@hookspec
def register_trackers(register: Registrar) -> None:
    """Register subclasses of :class:`mtlbench.api.Tracker`."""
