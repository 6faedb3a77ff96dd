"""What is asked for: a log, a network, a budget and a folder, or why one of them cannot be taken."""

import os
import shlex
from numbers import Real
from pathlib import Path
from typing import Any

from mtlbench.bounds import NUMBER
from mtlbench.cells import PluginSpec
from mtlbench.config.given import path_of, text_of
from mtlbench.config.grammar import parse
from mtlbench.config.parameters import spec_text
from mtlbench.config.specs import spec_of_file
from mtlbench.discovery import Catalogue
from mtlbench.errors import UsageError
from mtlbench.leaderboards.publishing import read_records
from mtlbench.records import RecordStore
from mtlbench.scaffold.project import BACKBONES, RESULTS
from mtlbench.text import shown


def seconds_of(minutes: float) -> float:
    """The budget in seconds.

    Raises:
        UsageError: it is no number above 0 that one can count with.
    """
    if isinstance(minutes, bool) or not isinstance(minutes, Real) or not 0 < minutes <= NUMBER:
        raise UsageError(f"minutes = {shown(minutes)}: give a number above 0, at most {NUMBER:g}, such as 20")
    return 60 * float(minutes)


def folder_of(out: Any) -> Path:
    """The folder of the advice, which need not be there yet.

    Raises:
        UsageError: none is named, or a file is in its place.
    """
    folder = path_of("out", out, "a folder, such as advice")
    if isinstance(out, str) and not out.strip():
        raise UsageError(f"out = {shown(out)} names no folder: name one after --out, such as advice")
    for place in (folder / RESULTS, folder, *folder.parents):
        if os.path.exists(place) and not os.path.isdir(place):
            raise UsageError(f"{place} is a file: name a folder after --out")
    return folder


def dataset_of(name: str, catalogue: Catalogue) -> str:
    """The spec of the dataset that ``name`` means: a description of a log, or a dataset as one types it.

    Raises:
        UsageError: it is a log without its description, a folder, a file that is not there, or nothing.
    """
    if name.partition("[")[0] in catalogue.datasets:
        return name
    if not name.strip():
        raise UsageError(f"log = {shown(name)} names no log: name its description, such as log.toml, or a dataset")
    file = path_of("log", name, "the description of a log, such as log.toml, or a dataset")
    if file.is_dir():
        raise UsageError(
            f"{name} is a folder, and no description of a log: name the .toml file that describes it; "
            f"`mtlbench data describe {shlex.quote(name)} --toml log.toml` drafts one for a folder of one table"
        )
    if file.suffix == ".toml":
        if not file.is_file():
            raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
        if spec := spec_of_file(catalogue, "dataset", name):
            return spec
    elif file.exists():
        description = file.with_suffix(".toml")
        raise UsageError(
            f"{name} is a log without its description: first `mtlbench data describe {shlex.quote(name)} --toml "
            f"{shlex.quote(str(description))}`, check it, then `mtlbench advise {shlex.quote(str(description))} "
            "--out advice`"
        )
    elif file.suffix in {".csv", ".tsv", ".parquet", ".jsonl", ".gz"}:
        raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
    return name


def require_no_weighting(backbone: Any, catalogue: Catalogue) -> None:
    """Refuse a weighting in the place of the backbone.

    Raises:
        UsageError: it is one, or no text.
    """
    for name, _ in parse(text_of("backbone", backbone, BACKBONES[0])):
        if name not in catalogue.backbones and name.casefold() in catalogue.weightings:
            raise UsageError(
                f"{name!r} is a weighting, and no backbone: advise chooses the weightings itself; name a network after "
                f"--backbone, such as {BACKBONES[0]} (`mtlbench list backbones` shows all)"
            )


def require_same(out: Path, name: str, fingerprint: str, backbone: PluginSpec, baseline: str) -> None:
    """Refuse a folder whose results are of another log or of another backbone.

    Args:
        out: the folder.
        name: of the log.
        fingerprint: of the log.
        backbone: that is asked for.
        baseline: the weighting that is trained before all others, on the backbone as it was asked for. Trials of tuned
            weightings have other parameters of it.

    Raises:
        UsageError: they are.
    """
    records = RecordStore(out / RESULTS).read_all()
    if {record.dataset.fingerprint for record in records} - {fingerprint}:
        raise UsageError(
            f"{out} has results of another log, or {name} has changed since: name a new folder after --out"
        )
    names = {record.backbone.name for record in records}
    first = [record.backbone.params for record in records if record.weighting.name == baseline]
    if records and (names != {backbone.name} or backbone.params not in first):
        uses = [record.backbone for record in read_records(out / RESULTS)]
        found = sorted({spec_text(use.name, use.changed) for use in uses})
        raise UsageError(
            f"{out} has results of another backbone, {shown(', '.join(found))}, or {backbone.name} has changed since: "
            "name a new folder after --out"
        )
