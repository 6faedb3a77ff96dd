"""Where a result comes from: the environment it was computed in, and the code of the plugins that ran."""

import hashlib
import inspect
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mtlbench
from mtlbench.errors import UsageError
from mtlbench.machine import processor, usable_cores
from mtlbench.records.schema import PluginUse

if TYPE_CHECKING:
    from mtlbench.api import Plugin

ENTRY_POINT_GROUP = "mtlbench"
FROM_FILE = "file"


def environment(device: str = "cpu") -> dict[str, str | int | float | None]:
    """Versions, machine and time of now, for a record's ``environment``.

    Args:
        device: the torch device that trains, such as ``cpu`` or ``cuda:0``. It is here and not in the cell's identity
            for the same reason as the processor: results differ by rounding and by the draws of dropout masks, as they
            do between any two machines.

    Returns:
        ``mtlbench``, ``git`` (commit of the checkout that mtlbench runs from, with ``-dirty`` when its tracked files
        were changed; ``None`` when installed from a wheel), ``python``, ``torch``, ``platform``, ``processor``,
        ``cores`` (that this process may use), ``threads`` (that torch uses), ``matmul`` (torch's precision of float32
        products), ``device`` (``cpu`` or the accelerator's name) and ``utc`` (ISO 8601).
    """
    import torch

    return {
        "mtlbench": mtlbench.__version__,
        "git": _commit(Path(mtlbench.__file__).resolve().parent.parent),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "matmul": torch.get_float32_matmul_precision(),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def plugin_use(plugin: "type[Plugin]", params: Mapping[str, Any], changed: Mapping[str, Any]) -> PluginUse:
    """A plugin class as it was used, for a record.

    Args:
        plugin: the class that ran.
        params: every parameter, defaults included, as JSON values.
        changed: the parameters that a leaderboard must show.
    """
    return PluginUse(
        name=plugin.name,
        label=plugin.label,
        params=dict(params),
        changed=dict(changed),
        version=provider(plugin),
        source=source_hash(plugin),
    )


def source_hash(plugin: type) -> str:
    """sha256 of the source file that defines the class.

    Raises:
        UsageError: the class was not loaded from a file.
    """
    try:
        file = inspect.getsourcefile(plugin)
        content = Path(file or "").read_bytes()
    except (OSError, TypeError) as error:
        raise UsageError(
            f"the plugin {plugin.__module__}.{plugin.__qualname__} has no readable source file, so its results could "
            "not be traced; put it into a file and load it with --plugin FILE.py"
        ) from error
    return hashlib.sha256(content).hexdigest()


def provider(plugin: type) -> str:
    """Distribution and version that provide the class, such as ``mtlbench 0.1.0``; ``file`` for a plugin file."""
    distribution = _distributions().get(plugin.__module__.partition(".")[0])
    return FROM_FILE if distribution is None else f"{distribution} {_version(distribution)}"


@cache
def _distributions() -> dict[str, str]:
    """Top-level package -> distribution. Entry points come first: an editable install is known by nothing else."""
    packages = {package: names[0] for package, names in metadata.packages_distributions().items()}
    for entry in metadata.entry_points(group=ENTRY_POINT_GROUP):
        if entry.dist is not None:
            packages[entry.module.partition(".")[0]] = entry.dist.name
    return packages


@cache
def _version(distribution: str) -> str:
    return metadata.version(distribution)


@cache
def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    # A hook's GIT_DIR would make git answer for another repository.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.strip()

    try:
        changes = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if changes else "")
    except (OSError, subprocess.SubprocessError):
        return None
