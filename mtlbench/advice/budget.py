"""The budget of wall time: what earlier runs of the same folder took counts in it."""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from mtlbench.records.event_log import read_events

Clock = Callable[[], float]


class Budget:
    """Wall time that is used up from now on.

    Args:
        seconds: in all.
        spent: by earlier runs.
        clock: seconds from any start.
    """

    def __init__(self, seconds: float, spent: float = 0.0, clock: Clock = time.monotonic) -> None:
        self.seconds = seconds
        self._spent = spent
        self._clock = clock
        self._began = clock()

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self._spent + self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - self.spent

    def charge(self, seconds: float) -> None:
        """Count what an earlier run took beside its trainings."""
        self._spent += seconds

    def over(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0


def spent_in(folder: Path) -> float:
    """Seconds of the runs that the event log of a results folder tells of, also of those that were killed.

    Raises:
        UsageError: there is a log that cannot be read.
    """
    runs: defaultdict[str, list[float]] = defaultdict(list)
    for event in read_events(folder):
        try:
            runs[event["run"]].append(datetime.fromisoformat(event["utc"]).timestamp())
        except ValueError:
            continue
    return sum(max(times) - min(times) for times in runs.values())
