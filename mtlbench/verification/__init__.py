"""Whether a results folder, or the leaderboards of a repository, say what was computed: checks that name the cell."""

from mtlbench.verification.findings import Finding, Report
from mtlbench.verification.folders import Collection, Stored, collections
from mtlbench.verification.rerun import Sample, rerun
from mtlbench.verification.verify import verify

__all__ = ["Collection", "Finding", "Report", "Sample", "Stored", "collections", "rerun", "verify"]
