"""Records: what is known of each cell, their store, and where a result comes from."""

from mtlbench.records.influence import Influence, decoded, encoded
from mtlbench.records.schema import (
    SINCE_CHECKSUMS,
    DatasetUse,
    Epoch,
    Failure,
    PluginUse,
    Record,
    Scores,
    StageSpend,
    checksum,
)
from mtlbench.records.store import RecordStore, Summary, read_record

__all__ = [
    "SINCE_CHECKSUMS",
    "DatasetUse",
    "Epoch",
    "Failure",
    "Influence",
    "PluginUse",
    "Record",
    "RecordStore",
    "Scores",
    "StageSpend",
    "Summary",
    "checksum",
    "decoded",
    "encoded",
    "read_record",
]
