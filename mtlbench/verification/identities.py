"""Whether a record is of the cell that it says, and as it was written."""

import json
from collections.abc import Iterator, Sequence

from mtlbench.cells import PROTOCOL, PluginSpec, canonical_json, cell_id, cell_stem
from mtlbench.records import SINCE_CHECKSUMS, Record, checksum
from mtlbench.records.files import content_of, stem_of
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored


def identified(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about ids, file names and checksums.

    The id sees a change of what was run: dataset, data, parameters, seed, training, protocol. The checksum sees a
    change of anything else by whoever did not compute it anew. Records from before there were checksums have none, and
    of those the page and the learning curve are what a changed score disagrees with.
    """
    for one in stored:
        record = one.record
        if recomputed(record) != record.cell:
            text = (
                f"its id is not that of what it says was run, which is {recomputed(record)[:12]}: a parameter, the "
                "seed, the data or the training was changed after the run; restore the file or run the cell again"
            )
            yield Finding("identity", text, one.path, record)
        elif stem_of(one.path) != stem(record):
            yield Finding("identity", f"its file must be called {stem(record)}.json; rename it", one.path, record)
        content = json.loads(content_of(one.path))
        if record.checksum is None:
            if younger := [name for name in SINCE_CHECKSUMS if name in content]:
                text = (
                    f"checksum is missing, but the record has {younger[0]} = {content[younger[0]]!r}, which only "
                    "versions that write checksums do; restore the file or run the cell again"
                )
                yield Finding("checksum", text, one.path, record)
        elif checksum(content) != record.checksum:
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
    """The id of the cell that the record describes, under its own protocol."""
    dataset, backbone, weighting = (
        PluginSpec(use.name, use.params) for use in (record.dataset, record.backbone, record.weighting)
    )
    # The training as it was recorded: a setting that came later is not part of an older cell.
    training = canonical_json(record.training)
    return cell_id(dataset, record.dataset.fingerprint, backbone, weighting, record.seed, training, record.protocol)


def stem(record: Record) -> str:
    """Name of the record's file."""
    return cell_stem(record.dataset.name, record.backbone.name, record.weighting.name, record.seed, record.cell)
