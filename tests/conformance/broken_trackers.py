"""A sound tracker, and one for each rule of the kit that breaks this rule and no other."""

import random

from breaking import registry
from pydantic import Field

from mtlbench import api


class Sound(api.Tracker):
    """The names of the cells, in a file."""

    name, label = "sound", "Sound"

    def log(self, cell: api.TrackedCell) -> None:
        with (self.out / "names").open("a", encoding="utf-8") as file:
            file.write(f"{cell.name}\n")


BROKEN, breaks = registry(Sound)


@breaks("documented")
class NoSentence(Sound):
    """Names"""


@breaks("parameters-are-described")
class Undescribed(Sound):
    class Params(api.Params):
        loud: bool = Field(False)


@breaks("shows-every-cell")
class ScoresOnly(Sound):
    def log(self, cell: api.TrackedCell) -> None:
        super().log(cell)
        min(cell.scores.values())


@breaks("leaves-generators-alone")
class Draws(Sound):
    def log(self, cell: api.TrackedCell) -> None:
        super().log(cell)
        random.random()


class NotInstalled(Draws):
    """A tracker whose package is not there."""

    package = "no_such_package_at_all"
