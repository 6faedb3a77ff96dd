"""Records: what is known of each cell, their store, and where a result comes from."""

from mtlbench.records.schema import DatasetUse, Epoch, Failure, PluginUse, Record, Scores, StageSpend, checksum
from mtlbench.records.store import Head, RecordStore, read_record

__all__ = [
    "DatasetUse",
    "Epoch",
    "Failure",
    "Head",
    "PluginUse",
    "Record",
    "RecordStore",
    "Scores",
    "StageSpend",
    "checksum",
    "read_record",
]
