"""The trackers of a study: named like other plugins, and there before anything is trained."""

from collections.abc import Sequence

from mtlbench.config.presets import PresetName
from mtlbench.config.specs import Resolved, resolve_texts
from mtlbench.discovery.catalogue import Catalogue
from mtlbench.errors import UsageError


def resolve_trackers(catalogue: Catalogue, texts: Sequence[str], preset: PresetName) -> tuple[Resolved, ...]:
    """The trackers that ``texts`` name.

    Raises:
        UsageError: a tracker or parameter is unknown, a value is invalid, or a package that a tracker needs is missing.
    """
    trackers = resolve_texts(catalogue, "tracker", texts, preset) if texts else ()
    for tracker in trackers:
        cls = tracker.entry.cls
        if install := cls.missing():
            raise UsageError(f"the tracker {cls.name} needs {cls.package}, which is not installed: {install}")
    return trackers
