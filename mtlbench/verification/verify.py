"""All checks of a folder that need no training."""

from pathlib import Path

from mtlbench.verification.commits import commits
from mtlbench.verification.duplicates import Coinciding, duplicates
from mtlbench.verification.exports import export_findings
from mtlbench.verification.findings import Finding, Report
from mtlbench.verification.folders import Stored, collections, overall_pages, read
from mtlbench.verification.identities import identified, protocols
from mtlbench.verification.impossible import impossible
from mtlbench.verification.material import Material
from mtlbench.verification.overall import overall_findings
from mtlbench.verification.pages import page_findings
from mtlbench.verification.searches import read_searches, searched
from mtlbench.verification.selections import selected


def verify(folder: Path, coinciding: Coinciding) -> tuple[Report, list[Stored]]:
    """Check every record and page in ``folder``.

    Args:
        folder: a results folder, or a folder of leaderboards with ``records/<board>/``.
        coinciding: weighting -> those that it repeats by construction.

    Returns:
        what was found, and the readable records.

    Raises:
        UsageError: the folder is neither.
    """
    report = Report()
    everything: list[Stored] = []
    for collection in collections(folder):
        stored, findings = read(collection)
        report.findings += findings
        report.records += len(stored)
        everything += stored
        report.findings += [*identified(stored), *protocols(stored), *impossible(stored), *selected(stored)]
        found, notes = duplicates(stored, coinciding)
        report.findings += found
        report.notes += [*notes, *commits(collection, stored)]
        searches, unreadable = read_searches(collection)
        report.findings += [*unreadable, *searched(searches, stored)]
        if not stored:
            continue
        material = Material.of(stored, [one.search for one in searches])
        report.findings += export_findings(collection, material)
        if collection.page.exists():
            report.pages += 1
            report.findings += page_findings(collection, material)
        else:
            missing = Finding(
                "page", "there is no page of these records; `mtlbench leaderboard build`", collection.page
            )
            (report.findings if collection.page_required else report.notes).append(missing)
    for page in overall_pages(folder):
        report.pages += 1
        found, notes = overall_findings(page)
        report.findings += found
        report.notes += notes
    return report, everything
