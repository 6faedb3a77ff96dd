"""Parameters of weightings that fit no dataset of a study."""

from collections import defaultdict
from collections.abc import Collection

from mtlbench.api import Schema
from mtlbench.config.parameters import spec_text
from mtlbench.config.settings import RunSettings
from mtlbench.config.specs import Resolved, resolve_sized
from mtlbench.discovery import Catalogue
from mtlbench.errors import UsageError
from mtlbench.experiments.applicability import senseless


class Misfits:
    """Tells a mistake in the parameters of a weighting from a method that makes no sense on a dataset.

    It is one where the weighting refuses every dataset and backbone of the study as it was given, and would not refuse
    all of them at its defaults: the wrong number of weights, or a target that is no task. A backbone that refuses a
    dataset does not count there. A study of several datasets may have weights that are for one of them.

    Args:
        catalogue: of the plugins.
        settings: of the study, whose preset is part of the defaults.
    """

    def __init__(self, catalogue: Catalogue, settings: RunSettings) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._fits: set[str] = set()
        self._reasons: dict[str, dict[str, str]] = defaultdict(dict)
        """Weighting as it was given -> dataset -> why its parameters do not fit."""

    def ask(self, dataset: Resolved, schema: Schema, pairs: Collection[tuple[Resolved, Resolved]]) -> None:
        """Ask the weightings of ``pairs``, each behind its backbone, whether their parameters fit a dataset."""
        for backbone, weighting in pairs:
            given = spec_text(weighting.entry.name, weighting.changed)
            if not weighting.given or given in self._fits:
                continue
            try:
                if senseless(schema, backbone.entry.cls, weighting.entry.cls):
                    continue  # whatever the parameters are
                reason = weighting.create().applicable(schema, backbone.entry.cls)
                if reason is None:
                    self._fits.add(given)
                elif self._at_defaults(weighting).create().applicable(schema, backbone.entry.cls) is None:
                    self._reasons[given][spec_text(dataset.entry.name, dataset.changed)] = reason
            except MemoryError:
                raise
            except Exception:  # of a plugin: its own row says so
                self._fits.add(given)

    def refuse(self) -> None:
        """Refuse parameters that fit no dataset.

        Raises:
            UsageError: there are some.
        """
        for given, reasons in self._reasons.items():
            if given not in self._fits:
                found = "; ".join(f"{dataset}: {reason}" for dataset, reason in reasons.items())
                which = "the dataset" if len(reasons) == 1 else "any of the datasets"
                raise UsageError(f"weighting {given} does not fit {which} {found}")

    def _at_defaults(self, weighting: Resolved) -> Resolved:
        return resolve_sized(self._catalogue, self._settings, "weighting", weighting.entry.name, {})
