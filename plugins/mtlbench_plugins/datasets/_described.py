"""A public log whose columns a TOML file describes: a dataset without code."""

import hashlib
import json
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from mtlbench import api
from mtlbench_plugins.datasets._table_description import check_schema, read_toml
from mtlbench_plugins.datasets._table_file import TableFile
from mtlbench_plugins.datasets._table_log import VERSION, open_log, paths_of, read_log
from mtlbench_plugins.datasets._table_schema import TableSchema
from mtlbench_plugins.datasets._table_tasks import Text

Range = tuple[float, float]


class PublishedFile(api.Params):
    """The fields of :class:`mtlbench.api.RemoteFile`."""

    url: Text
    path: Text
    size: int
    checksum: Text | None = None
    unpack: bool = False


class PublishedLog(api.Params):
    """The fields of :class:`mtlbench.api.Publication`, but for parameters, which a described log has none of."""

    page: Text
    licence: Text
    licence_page: str = ""
    size: int | None = None
    files: tuple[PublishedFile, ...] = ()
    by_hand: str = ""
    facts: dict[Text, int | Range] = Field(default_factory=dict)

    def described(self) -> api.Publication:
        """What the dataset says of it."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return api.Publication(**{**fields, "files": tuple(api.RemoteFile(**dict(file)) for file in self.files)})


class PublicLog(api.Params):
    """The keys of the description of a public log."""

    label: Text
    about: Text
    """What ``mtlbench info`` prints: one sentence, an empty line, then the source, and what is left out and why."""
    folder: Text | None = None
    """Below the data folder; ``None``: the name of the dataset."""
    publication: PublishedLog
    log: dict[str, Any]
    """The keys of a user's own table, with ``files`` relative to the folder."""


class DescribedLog(api.Dataset):
    """Base of the public logs that are described by a TOML file."""

    schema: ClassVar[TableSchema]

    def files(self, root: Path) -> list[Path]:
        """The files that the description names, then those that are joined to them."""
        return paths_of(self._open(root))

    def load(self, root: Path) -> api.Log:
        """Read the files as ``table`` reads those of a user."""
        return read_log(self._open(root), self.schema)

    def _open(self, root: Path) -> list[TableFile]:
        folder = root / str(self.folder)
        named = [*self.schema.files, *(name for join in self.schema.join for name in join.files)]
        absent = [name for name in named if not (folder / name).exists()]
        if absent:
            raise api.DataError(
                f"dataset {self.name!r} is not in the data folder {root}: {folder} lacks {', '.join(absent)}; "
                f"`mtlbench data download {self.name}` says how to get it from {self.publications[0].page}; name the "
                "data folder by --data-dir or MTLBENCH_DATA"
            )
        return open_log(folder, self.schema)


def described(file: Path) -> type[DescribedLog]:
    """The dataset that the TOML file ``file`` describes, named by its stem.

    Raises:
        DataError: it is no such description; naming the key and the remedy.
    """
    given = read_toml(file)
    try:
        log = PublicLog.model_validate(given)
    except ValidationError as error:
        detail = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        key = ".".join(map(str, detail["loc"]))
        raise api.DataError(
            f"{file}: `{key}`: {detail['msg']}; a public log is described by label, about, publication (page, licence, "
            "by_hand, facts) and log, whose keys are those of a table of your own"
        ) from error
    name = file.stem.replace("_", "-")
    fields = {
        "__doc__": cleandoc(log.about) + "\n",
        "name": name,
        "label": log.label,
        "folder": log.folder or name,
        "version": _version(log.log),
        "publications": (log.publication.described(),),
        "schema": check_schema(log.log, f"{file}, `log`"),
    }
    return type("".join(part.title() for part in name.split("-")), (DescribedLog,), fields)


def _version(log: Mapping[str, Any]) -> int:
    """A number that changes with what the description says of the log, and how it is read, and with nothing else."""
    text = json.dumps([VERSION, log], sort_keys=True, default=str)
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
