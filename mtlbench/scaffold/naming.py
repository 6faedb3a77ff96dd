"""The names of a new plugin, all made from one."""

import keyword
import re
from dataclasses import dataclass

from mtlbench.errors import UsageError

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""Stricter than what a plugin may be called: it must also make a module and a class."""


@dataclass(frozen=True)
class Names:
    """What a plugin called ``name`` is called elsewhere."""

    name: str

    def __post_init__(self) -> None:
        if re.fullmatch(NAME, self.name) is None:
            raise UsageError(
                f"{self.name!r} is no name for a plugin: expected a lower-case letter, then lower-case letters, digits "
                "and single hyphens, such as my-method"
            )
        if keyword.iskeyword(self.module) or keyword.iskeyword(self.cls):
            raise UsageError(f"{self.name!r} is a word of Python's own and can name no module; choose another name")

    @property
    def module(self) -> str:
        """The file's stem."""
        return self.name.replace("-", "_")

    @property
    def cls(self) -> str:
        """The class."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def label(self) -> str:
        """The name in leaderboards."""
        return " ".join(word.capitalize() for word in self.name.split("-"))

    @property
    def distribution(self) -> str:
        """The package as pip knows it."""
        return f"mtlbench-{self.name}"

    @property
    def package(self) -> str:
        """The package as Python knows it."""
        return f"mtlbench_{self.module}"

    def put_into(self, template: str, kind: str) -> str:
        """The source of a template, under these names."""
        old = Names(f"template-{kind}")
        for was, now in ((old.name, self.name), (old.cls, self.cls), (old.label, self.label)):
            template = template.replace(was, now)
        return template
