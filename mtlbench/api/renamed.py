"""Names that the plugin interface no longer has, and those that took their place."""

from collections.abc import Mapping

API_NAMES: Mapping[str, str] = {"Lender": "SourceCheckpoint"}
"""Names in :mod:`mtlbench.api`."""

WEIGHTING_METHODS: Mapping[str, str] = {"start": "warm_start", "lender": "source"}
"""Names in :class:`mtlbench.api.Weighting`."""

TRAINER_METHODS: Mapping[str, str] = {
    "borrow": "reuse",
    "lender": "source_checkpoint",
    "once": "run_once",
    "report": "log_scalar",
    "series": "log_series",
}
"""Names in :class:`mtlbench.api.Trainer`."""


STEP_ATTRIBUTES: Mapping[str, str] = {"categorical": "inputs.categorical", "numerical": "inputs.numerical"}
"""Names in :class:`mtlbench.api.Step`."""

SETTING_ATTRIBUTES: Mapping[str, str] = {"schema": "setting.tasks", "data": "setting.train, and setting.device"}
"""Names of the trainer, which ``setup`` got before :class:`mtlbench.api.Setting`."""


def replacement(owner: str, name: str, renamed: Mapping[str, str]) -> str:
    """What to tell somebody who asked ``owner`` for ``name``."""
    if name in renamed:
        return f"{owner}.{name} has a new name: use {renamed[name]}"
    return f"{owner} has no {name!r}"
