"""Records: what is known of each cell, their store, and where a result comes from."""

from mtlbench.records.schema import DatasetUse, Epoch, Failure, PluginUse, Record, Scores, StageSpend
from mtlbench.records.store import RecordStore

__all__ = ["DatasetUse", "Epoch", "Failure", "PluginUse", "Record", "RecordStore", "Scores", "StageSpend"]
