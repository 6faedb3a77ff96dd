"""The weighting inverse-loss for mtlbench, found through the entry-point group ``mtlbench``."""

from mtlbench.api import Registrar, hookimpl


@hookimpl
def register_weightings(register: Registrar) -> None:
    """One file per weighting: another one beside it is found without a line here."""
    register.package("mtlbench_inverse_loss.weightings")
