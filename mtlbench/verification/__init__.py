"""Whether a results folder, or the leaderboards of a repository, say what was computed: checks that name the cell."""

from mtlbench.verification.findings import Finding, Report
from mtlbench.verification.folders import Collection, Stored, collections
from mtlbench.verification.reproduction import Reproduction, find_record, reproduce
from mtlbench.verification.sampling import Sample, rerun_sample
from mtlbench.verification.verify import verify

__all__ = [
    "Collection",
    "Finding",
    "Report",
    "Reproduction",
    "Sample",
    "Stored",
    "collections",
    "find_record",
    "reproduce",
    "rerun_sample",
    "verify",
]
