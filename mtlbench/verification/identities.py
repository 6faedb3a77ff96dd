"""Whether a record is of the cell that it says, and as it was written."""

import json
from collections.abc import Iterator, Sequence

from mtlbench.cells import PROTOCOL, identity
from mtlbench.records import PluginUse, Record, checksum
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored


def identified(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about ids, file names and checksums.

    The id sees a change of what was run: dataset, data, parameters, seed, training, protocol. The checksum sees a
    change of anything else by whoever did not compute it anew; older records have none, and of those the page and the
    learning curve are what a changed score disagrees with.
    """
    for one in stored:
        record = one.record
        if recomputed(record) != record.cell:
            text = (
                f"its id is not that of what it says was run, which is {recomputed(record)[:12]}: a parameter, the "
                "seed, the data or the training was changed after the run; restore the file or run the cell again"
            )
            yield Finding("identity", text, one.path, record)
        elif one.path.stem != stem(record):
            yield Finding("identity", f"its file must be called {stem(record)}.json; rename it", one.path, record)
        if record.checksum is not None and checksum(json.loads(one.path.read_bytes())) != record.checksum:
            text = "its content is not what was written, by its checksum; restore the file or run the cell again"
            yield Finding("checksum", text, one.path, record)


def protocols(stored: Sequence[Stored]) -> Iterator[Finding]:
    """A finding for each record of another protocol version than most of the collection's."""
    versions = [one.record.protocol for one in stored]
    usual = max(sorted(set(versions), reverse=True), key=versions.count, default=PROTOCOL)
    for one in stored:
        if one.record.protocol != usual:
            text = (
                f"it is of protocol {one.record.protocol}, the others are of protocol {usual}; results of different "
                "protocols do not compare: run it again, or keep them in separate boards"
            )
            yield Finding("protocol", text, one.path, one.record)


def recomputed(record: Record) -> str:
    """The id of the cell that the record describes (:attr:`mtlbench.cells.Cell.id`), under its own protocol."""
    uses = {"dataset": record.dataset, "backbone": record.backbone, "weighting": record.weighting}
    return identity(
        {
            "protocol": record.protocol,
            **{kind: {"name": use.name, "params": use.params} for kind, use in uses.items()},
            "fingerprint": record.dataset.fingerprint,
            "seed": record.seed,
            "training": record.training,
        }
    )


def stem(record: Record) -> str:
    """Name of the record's file (:attr:`mtlbench.cells.Cell.stem`)."""
    uses: list[PluginUse] = [record.dataset, record.backbone, record.weighting]
    return ".".join([*(use.name for use in uses), f"seed{record.seed}", record.cell[:12]])
