"""One processor core for each worker process, so that workers do not push each other about."""

import os
import tempfile
from functools import cache
from pathlib import Path

from mtlbench.locks import Locks

TOPOLOGY = Path("/sys/devices/system/cpu")


def pin() -> int | None:
    """Bind this process to a core that no other worker on this machine is bound to, until it ends.

    Gives its number; ``None``, and the process stays free, where no core is left or the system binds none.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    for core in in_order(os.sched_getaffinity(0)):
        if _locks().take(str(core)):
            os.sched_setaffinity(0, {core})
            return core
    return None


def in_order(cores: set[int], topology: Path = TOPOLOGY) -> list[int]:
    """``cores``, one thread of each physical core first: two threads of one core share its arithmetic units."""
    return sorted(cores, key=lambda core: (_rank(core, topology), core))


def _rank(core: int, topology: Path) -> int:
    """How many threads of its physical core have a lower number."""
    try:
        siblings = (topology / f"cpu{core}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return 0
    threads: list[int] = []
    for part in siblings.split(","):
        first, _, last = part.partition("-")
        threads.extend(range(int(first), int(last or first) + 1))
    return sorted(threads).index(core) if core in threads else 0


@cache
def _locks() -> Locks:
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Locks(Path(tempfile.gettempdir()) / f"mtlbench-cores-{user}")
