"""The built-in plugins of mtlbench. They are found like any others: through the entry-point group ``mtlbench``."""

from mtlbench.api import Registrar, hookimpl


@hookimpl
def register_datasets(register: Registrar) -> None:
    """One file per dataset."""
    register.package("mtlbench_plugins.datasets")


@hookimpl
def register_backbones(register: Registrar) -> None:
    """One file per backbone."""
    register.package("mtlbench_plugins.backbones")


@hookimpl
def register_weightings(register: Registrar) -> None:
    """One file per weighting."""
    register.package("mtlbench_plugins.weightings")


@hookimpl
def register_trackers(register: Registrar) -> None:
    """One file per tracker."""
    register.package("mtlbench_plugins.trackers")
