"""What a trial sets, in the plugins of its method and in its training."""

from collections.abc import Mapping
from typing import Any

from mtlbench.config.settings import RunSettings
from mtlbench.config.space import TrialSettings
from mtlbench.config.specs import Resolved, resolve_sized
from mtlbench.config.study import Study
from mtlbench.discovery import Catalogue
from mtlbench.errors import UsageError


class TrialPlugins:
    """The plugins of a study under the settings of trials.

    Args:
        settings: of the study.
        catalogue: of the plugins.
    """

    def __init__(self, settings: RunSettings, catalogue: Catalogue) -> None:
        self._settings, self._catalogue = settings, catalogue

    def resolved(self, kind: str, name: str, params: Mapping[str, Any]) -> Resolved:
        """A plugin with the study's sizes."""
        return resolve_sized(self._catalogue, self._settings, kind, name, params)

    def under(self, plugin: Resolved, values: Mapping[str, Any]) -> Resolved:
        """``plugin`` with what a trial sets, beside what the user has set."""
        if not values:
            return plugin
        return self.resolved(plugin.entry.kind, plugin.entry.name, {**plugin.changed, **values})

    def checked(self, setting: TrialSettings, backbone: Resolved, weighting: Resolved) -> TrialSettings:
        """``setting`` with its values as they are recorded, which a space file or a plugin may have given otherwise.

        Raises:
            UsageError: a value cannot be used.
        """
        try:
            training = Study.load(flags=setting.training)
            of_backbone = self.under(backbone, setting.backbone).params.model_dump(mode="json", by_alias=True)
            of_weighting = self.under(weighting, setting.weighting).params.model_dump(mode="json", by_alias=True)
        except UsageError as error:
            raise UsageError(
                f"the search space gives a value that cannot be used: {error}; correct the range of the parameter, or "
                "name its values, such as {choice = [1, 2]}, in a file for --space"
            ) from error
        return TrialSettings(
            {name: getattr(training, name) for name in setting.training},
            {name: of_backbone[name] for name in setting.backbone},
            {name: of_weighting[name] for name in setting.weighting},
        )
