"""Where encoded datasets are kept."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Folder of the encoded datasets: ``MTLBENCH_CACHE``, else the platform's cache folder of the user."""
    named = os.environ.get("MTLBENCH_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("mtlbench"))
